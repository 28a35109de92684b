-- +goose Up

-- readiness is when a release counts as ready, and what the proxy speaks with the app, as a
-- JSON object.
ALTER TABLE apps     ADD COLUMN readiness TEXT NOT NULL DEFAULT '{}';
ALTER TABLE releases ADD COLUMN readiness TEXT NOT NULL DEFAULT '{}';
