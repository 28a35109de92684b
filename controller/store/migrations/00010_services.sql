-- +goose Up

-- How each service of a release made from a compose file runs, in the order in which
-- they start: a list that is only ever read as a whole, with its release. It is empty
-- for a release of one service. Files that the archive brings as secrets are sealed in it.

ALTER TABLE releases ADD COLUMN services TEXT NOT NULL DEFAULT '[]' CHECK (json_type(services) = 'array');
