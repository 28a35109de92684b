-- +goose Up

-- What is known of a volume beside what the engine tells. quota: bytes that an operator
-- chose for it; 0 is the setting's. fitted: the quota that it was last seen within, 0
-- where it never was. warned_at: since when a person is warned that it is over a quota
-- that it was never seen within.
CREATE TABLE volumes (
    name      TEXT    PRIMARY KEY CHECK (name <> ''),
    quota     INTEGER NOT NULL DEFAULT 0 CHECK (quota >= 0),
    fitted    INTEGER NOT NULL DEFAULT 0 CHECK (fitted >= 0),
    warned_at INTEGER
) STRICT, WITHOUT ROWID;

-- Since when this ledger knows of quotas, in microseconds: an older volume may be over
-- its quota before it is seen for the first time.
CREATE TABLE volume_quotas_since (at INTEGER NOT NULL) STRICT;
INSERT INTO volume_quotas_since (at) VALUES (unixepoch() * 1000000);

-- The services that Berth has stopped because of a volume: a JSON array of
-- {"service", "main", "volume", "reason"}.
ALTER TABLE apps ADD COLUMN halted TEXT NOT NULL DEFAULT '[]' CHECK (json_type(halted) = 'array');
