-- +goose Up

-- choices is what a person chose about a compose file, as a JSON object.
ALTER TABLE apps     ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';
ALTER TABLE releases ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';
