-- +goose Up

-- How git hosts deploy apps. The address of a webhook and its secret are sealed; an address
-- is found by its hash.
CREATE TABLE webhooks (
    app TEXT NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    repository TEXT NOT NULL CHECK (repository LIKE 'https://%' AND length(repository) <= 500),
    branch TEXT NOT NULL CHECK (branch <> '' AND length(branch) <= 200),
    folder TEXT NOT NULL CHECK (length(folder) <= 500),
    token BLOB NOT NULL,
    path BLOB NOT NULL,
    path_hash TEXT NOT NULL UNIQUE CHECK (length(path_hash) = 64),
    secret BLOB NOT NULL CHECK (length(secret) >= 72), -- never of an empty one
    deployed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Deliveries that are known again. One that is not settled is under way.
CREATE TABLE webhook_claims (
    app TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    sum TEXT NOT NULL,
    at INTEGER NOT NULL,
    settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
    PRIMARY KEY (app, sum)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('deployed', 'ignored', 'refused')),
    reason TEXT NOT NULL,
    release INTEGER NOT NULL
) STRICT;

CREATE INDEX deliveries_of_webhook ON webhook_deliveries (app, id);
