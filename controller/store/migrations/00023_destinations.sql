-- +goose Up

-- A route of a compose app leads to a service and a port of it. No service is the main one,
-- and port 0 is the service's own.
ALTER TABLE routes ADD COLUMN service TEXT    NOT NULL DEFAULT '' CHECK (service NOT GLOB '*[^a-z0-9_-]*');
ALTER TABLE routes ADD COLUMN port    INTEGER NOT NULL DEFAULT 0  CHECK (port BETWEEN 0 AND 65535);

-- The host:port of every service of a release for the proxy, by name, as a JSON object.
ALTER TABLE releases ADD COLUMN addresses TEXT NOT NULL DEFAULT '{}';
