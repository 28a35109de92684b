-- +goose Up

-- Who may use an app, as a JSON object. It is the app's, and no part of a release: a
-- rollback must not open what was closed since.

ALTER TABLE apps ADD COLUMN access TEXT NOT NULL DEFAULT '{}' CHECK (json_type(access) = 'object');
