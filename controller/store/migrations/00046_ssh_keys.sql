-- +goose Up

-- The public halves of SSH keys, which push with git as their account. A key goes with it.
CREATE TABLE ssh_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL CHECK (name <> ''),
    kind       TEXT    NOT NULL CHECK (kind <> ''),
    public     BLOB    NOT NULL UNIQUE CHECK (length(public) > 0),
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    used_from  TEXT    NOT NULL DEFAULT '' CHECK ((used_from = '') = (used_at IS NULL))
) STRICT;

CREATE INDEX ssh_keys_of_account ON ssh_keys (account);
