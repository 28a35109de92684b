-- +goose Up

-- What would mend a release that failed, as a JSON object; empty where nothing is known.

ALTER TABLE releases ADD COLUMN remedy TEXT NOT NULL DEFAULT '';
