-- +goose Up

-- A route of a compose app leads to a service and a port of it. No service is the main one,
-- and port 0 is the service's own.
ALTER TABLE routes ADD COLUMN service TEXT    NOT NULL DEFAULT '' CHECK (service NOT GLOB '*[^a-z0-9_-]*');
ALTER TABLE routes ADD COLUMN port    INTEGER NOT NULL DEFAULT 0  CHECK (port BETWEEN 0 AND 65535);

-- The host:port of every service of a release for the proxy, by name, as a JSON object.
ALTER TABLE releases ADD COLUMN addresses TEXT NOT NULL DEFAULT '{}';

-- A host may be a wildcard, such as *.example.com. SQLite cannot change a CHECK, so the
-- table is made anew.
CREATE TABLE new_domains (
    host      TEXT    PRIMARY KEY CHECK (host <> '' AND CASE WHEN host GLOB '[*].*' THEN substr(host, 3) ELSE host END NOT GLOB '*[^a-z0-9.-]*'),
    source    TEXT    NOT NULL DEFAULT '' CHECK (source IN ('', 'http', 'tls', 'dns', 'own', 'none')),
    redirect  TEXT    NOT NULL DEFAULT '' CHECK (redirect IN ('', 'on', 'off')),
    hsts      INTEGER NOT NULL DEFAULT 0 CHECK (hsts BETWEEN 0 AND 63244800), -- seconds
    chain     BLOB    CHECK (length(chain) <= 65536),
    key       BLOB    CHECK ((key IS NULL) = (chain IS NULL) AND length(key) <= 65536),
    seen      TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(seen) = 'object')
) STRICT;
INSERT INTO new_domains (host, source, redirect, hsts, chain, key, seen)
SELECT host, source, redirect, hsts, chain, key, seen FROM domains;
DROP TABLE domains;
ALTER TABLE new_domains RENAME TO domains;
