-- +goose Up

-- What an app has settled about pushes of git. An empty branch is the one of the first push
-- that goes live.
CREATE TABLE pushes (
    app    TEXT NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    branch TEXT NOT NULL CHECK (length(branch) <= 200),
    folder TEXT NOT NULL CHECK (length(folder) <= 500)
) STRICT;
