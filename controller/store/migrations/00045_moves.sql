-- +goose Up

-- The latest move of each app to another server. The token of the other server is sealed,
-- and gone once the move has ended.
CREATE TABLE moves (
    app         TEXT    NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    server      TEXT    NOT NULL CHECK (server LIKE 'https://%' AND length(server) <= 500),
    fingerprint TEXT    NOT NULL CHECK (length(fingerprint) <= 120),
    private     INTEGER NOT NULL CHECK (private IN (0, 1)),
    address     TEXT    NOT NULL CHECK (length(address) <= 500),
    token       BLOB    NOT NULL,
    step        TEXT    NOT NULL CHECK (step IN ('check', 'volumes', 'stop', 'difference', 'deploy', 'verify', 'redirect')),
    state       TEXT    NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    was_running INTEGER NOT NULL CHECK (was_running IN (0, 1)),
    reason      TEXT    NOT NULL,
    hint        TEXT    NOT NULL,
    target      TEXT    NOT NULL, -- where the routes of the app lead once it has moved
    created_by  TEXT    NOT NULL,
    began_at    INTEGER NOT NULL, -- microseconds since 1970
    ended_at    INTEGER,
    CHECK ((state = 'running') = (length(token) > 0)),
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
