-- +goose Up

-- The volumes of an app, and of each release those that it was queued with: a JSON
-- array of {"volume", "target", "read_only"}.

ALTER TABLE apps     ADD COLUMN mounts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(mounts) = 'array');
ALTER TABLE releases ADD COLUMN mounts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(mounts) = 'array');
