-- +goose Up

-- Uploads that are known again where they are sent a second time: which key, what was
-- sent, and the release that it made. The key is a digest.
CREATE TABLE repeats (
    key     BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    content BLOB    NOT NULL CHECK (length(content) = 32),
    app     TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    release INTEGER NOT NULL,
    until   INTEGER NOT NULL -- microseconds since 1970
) STRICT;
CREATE INDEX repeats_by_app ON repeats (app);
CREATE INDEX repeats_by_until ON repeats (until);
