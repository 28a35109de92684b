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

-- Webhooks may fetch over SSH: with a deploy key, which is sealed, from a host whose key was
-- accepted. The check of the address was for HTTPS alone.
CREATE TABLE webhooks_new (
    app TEXT NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    repository TEXT NOT NULL CHECK (repository <> '' AND length(repository) <= 500),
    branch TEXT NOT NULL CHECK (branch <> '' AND length(branch) <= 200),
    folder TEXT NOT NULL CHECK (length(folder) <= 500),
    token BLOB NOT NULL,
    deploy_key BLOB NOT NULL,
    host_key TEXT NOT NULL CHECK (length(host_key) <= 200),
    path BLOB NOT NULL,
    path_hash TEXT NOT NULL UNIQUE CHECK (length(path_hash) = 64),
    secret BLOB NOT NULL CHECK (length(secret) >= 72), -- never of an empty one
    deployed TEXT NOT NULL,
    CHECK (repository LIKE 'https://%' OR deploy_key <> x'' AND host_key <> '')
) STRICT, WITHOUT ROWID;

INSERT INTO webhooks_new (app, enabled, repository, branch, folder, token, deploy_key, host_key, path, path_hash, secret, deployed)
SELECT app, enabled, repository, branch, folder, token, x'', '', path, path_hash, secret, deployed FROM webhooks;

DROP TABLE webhooks;

ALTER TABLE webhooks_new RENAME TO webhooks;
