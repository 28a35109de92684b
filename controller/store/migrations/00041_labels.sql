-- +goose Up

-- How people file an app: in at most one project, and under some tags.
ALTER TABLE apps ADD COLUMN project TEXT NOT NULL DEFAULT '' CHECK (length(project) <= 40);
ALTER TABLE apps ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags) AND json_array_length(tags) <= 10);
