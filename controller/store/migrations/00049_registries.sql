-- +goose Up

-- How Berth signs in to registries of images. The password is sealed for its host.
CREATE TABLE registry_logins (
    host       TEXT    NOT NULL PRIMARY KEY CHECK (host <> '' AND length(host) <= 260),
    user       TEXT    NOT NULL CHECK (user <> '' AND length(user) <= 255),
    sealed     BLOB    NOT NULL CHECK (length(sealed) > 0),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a registry calls when a tag was pushed: a random address and a secret, for each app
-- that wants it. Both are sealed, and the address is found by its hash.
ALTER TABLE tag_watches ADD COLUMN hook_path BLOB NOT NULL DEFAULT x'';
ALTER TABLE tag_watches ADD COLUMN hook_hash TEXT NOT NULL DEFAULT '' CHECK (length(hook_hash) IN (0, 64));
ALTER TABLE tag_watches ADD COLUMN hook_secret BLOB NOT NULL DEFAULT x'';

CREATE UNIQUE INDEX tag_watch_hooks ON tag_watches (hook_hash) WHERE hook_hash <> '';

-- The kind of git host that a person chose; empty: it is found by itself.
ALTER TABLE webhooks ADD COLUMN chosen TEXT NOT NULL DEFAULT '' CHECK (chosen IN ('', 'github', 'gitea', 'gitlab'));
