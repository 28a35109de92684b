-- +goose Up

-- How often a new process went on with the release after the one before had ended.

ALTER TABLE releases ADD COLUMN resumptions INTEGER NOT NULL DEFAULT 0 CHECK (resumptions >= 0);
