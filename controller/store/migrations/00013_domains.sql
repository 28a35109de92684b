-- +goose Up

-- What was decided about a host and what was seen of it; a host without a row has
-- the defaults, and nothing was seen. key is sealed for its host with the key that
-- is not in this file, chain is what everybody sees anyway.

CREATE TABLE domains (
    host      TEXT    PRIMARY KEY CHECK (host <> '' AND host NOT GLOB '*[^a-z0-9.-]*'),
    source    TEXT    NOT NULL DEFAULT '' CHECK (source IN ('', 'http', 'tls', 'dns', 'own', 'none')),
    redirect  TEXT    NOT NULL DEFAULT '' CHECK (redirect IN ('', 'on', 'off')),
    hsts      INTEGER NOT NULL DEFAULT 0 CHECK (hsts BETWEEN 0 AND 63244800), -- seconds
    chain     BLOB    CHECK (length(chain) <= 65536),
    key       BLOB    CHECK ((key IS NULL) = (chain IS NULL) AND length(key) <= 65536),
    seen      TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(seen) = 'object')
) STRICT;
