-- +goose Up

-- Ids are never given out twice: what names an account or a token stays true
-- after that one is gone.
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE CHECK (name <> ''),
    password_hash TEXT    NOT NULL CHECK (password_hash <> ''),
    must_change   INTEGER NOT NULL CHECK (must_change IN (0, 1)),
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash       TEXT    NOT NULL PRIMARY KEY CHECK (hash <> ''),
    account    INTEGER REFERENCES accounts (id) ON DELETE CASCADE, -- NULL: nobody is signed in yet
    data       BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_account ON sessions (account) WHERE account IS NOT NULL;

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL CHECK (name <> ''),
    hash       TEXT    NOT NULL UNIQUE CHECK (hash <> ''),
    scope      TEXT    NOT NULL CHECK (scope IN ('read', 'deploy', 'admin')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
