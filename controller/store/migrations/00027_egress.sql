-- +goose Up

-- egress is where an app may connect to, as a JSON object: its mode, and its list of hosts.
ALTER TABLE apps     ADD COLUMN egress TEXT NOT NULL DEFAULT '{}';
ALTER TABLE releases ADD COLUMN egress TEXT NOT NULL DEFAULT '{}';
