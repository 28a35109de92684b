-- +goose Up

-- What runs before a backup in a container of an app, and after it.
CREATE TABLE backup_hooks (
    app     TEXT NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    service TEXT NOT NULL, -- whose image, user, variables and volumes the commands have
    before  TEXT NOT NULL CHECK (json_type(before) = 'array' AND json_array_length(before) > 0),
    after   TEXT NOT NULL CHECK (json_type(after) = 'array') -- empty: nothing
) STRICT, WITHOUT ROWID;
