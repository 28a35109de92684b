-- +goose Up

ALTER TABLE accounts ADD COLUMN login_at INTEGER; -- NULL: never
ALTER TABLE accounts ADD COLUMN declined INTEGER NOT NULL DEFAULT 0 CHECK (declined IN (0, 1)); -- 1: suggest no second factor again

-- sealed is encrypted with the key that is not in this file. last_step is the time
-- step of the last code that was used: only later ones count.
CREATE TABLE second_factors (
    account    INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     BLOB    NOT NULL CHECK (length(sealed) > 0),
    last_step  INTEGER NOT NULL CHECK (last_step > 0),
    created_at INTEGER NOT NULL
) STRICT;

-- A code that was used is a row that is gone.
CREATE TABLE recovery_codes (
    account INTEGER NOT NULL REFERENCES second_factors (account) ON DELETE CASCADE,
    hash    TEXT    NOT NULL CHECK (hash <> ''),
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- pending: the password was right, the second factor is still to come.
ALTER TABLE sessions ADD COLUMN pending INTEGER REFERENCES accounts (id) ON DELETE CASCADE CHECK (pending IS NULL OR account IS NULL);
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent   TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_pending ON sessions (pending) WHERE pending IS NOT NULL;
