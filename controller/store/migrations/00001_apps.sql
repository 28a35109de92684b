-- +goose Up

-- Times are microseconds since 1970, UTC. NULL stands for "not yet".

CREATE TABLE apps (
    name            TEXT    NOT NULL PRIMARY KEY
                            CHECK (length(name) BETWEEN 1 AND 40
                                   AND name NOT GLOB '*[^a-z0-9-]*'
                                   AND name NOT GLOB '-*' AND name NOT GLOB '*-'),
    port            INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535), -- 0: the image decides
    wanted          TEXT    NOT NULL CHECK (wanted IN ('running', 'stopped', 'deleted')),
    observed_state  TEXT    NOT NULL CHECK (observed_state IN
                            ('waiting', 'running', 'stopped', 'unhealthy', 'crashing', 'down', 'deleting')),
    observed_detail TEXT    NOT NULL,
    observed_at     INTEGER,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The key is the claim: no two apps answer at one host and path. The checks keep
-- out what the proxy would read as part of a rule or a template.
CREATE TABLE routes (
    app      TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    host     TEXT    NOT NULL CHECK (host = lower(host) AND host NOT GLOB '*[{}`" /]*'), -- empty: any host
    path     TEXT    NOT NULL CHECK (path GLOB '/*' AND path NOT GLOB '*[{}`" ]*'),
    PRIMARY KEY (host, path),
    UNIQUE (app, position)
) STRICT, WITHOUT ROWID;

-- The id is the order of arrival, whatever the clock says; the name of a release is
-- app and number. Steps and instances are small lists that are only ever read as a
-- whole, with their release: [{"state": ..., "at": ...}, ...] and [name, ...].
CREATE TABLE releases (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    app            TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    number         INTEGER NOT NULL CHECK (number >= 1),
    state          TEXT    NOT NULL CHECK (state IN
                           ('queued', 'building', 'starting', 'verifying', 'live', 'superseded', 'failed', 'cancelled')),
    steps          TEXT    NOT NULL CHECK (json_type(steps) = 'array'),
    archive        TEXT    NOT NULL,
    archive_name   TEXT    NOT NULL,
    archive_bytes  INTEGER NOT NULL CHECK (archive_bytes >= 0),
    archive_sha256 TEXT    NOT NULL,
    rollback_of    INTEGER NOT NULL CHECK (rollback_of >= 0 AND rollback_of < number), -- 0: an upload
    image          TEXT    NOT NULL,
    instances      TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(instances) = 'array'),
    address        TEXT    NOT NULL DEFAULT '',
    reason         TEXT    NOT NULL DEFAULT '',
    hint           TEXT    NOT NULL DEFAULT '',
    created_by     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    finished_at    INTEGER,
    UNIQUE (app, number),
    CHECK ((finished_at IS NULL) = (state IN ('queued', 'building', 'starting', 'verifying')))
) STRICT;

CREATE UNIQUE INDEX one_release_under_way ON releases (app) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX one_live_release ON releases (app) WHERE state = 'live';
