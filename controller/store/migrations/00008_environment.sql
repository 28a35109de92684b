-- +goose Up

-- An environment is written once and never changed: the app names the one that it
-- is to have, each release the one that it was queued with. variables is a list that
-- is only ever read as a whole: [{"name": ..., "value": ...}, {"name": ..., "sealed": ...,
-- "file": true}, ...]. What is sealed is encrypted with the key that is not in this
-- file, for its app and name.
CREATE TABLE environments (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    app       TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    variables TEXT    NOT NULL CHECK (json_type(variables) = 'array')
) STRICT;

CREATE INDEX environments_of_app ON environments (app);

-- NULL is the empty environment.
ALTER TABLE apps     ADD COLUMN environment INTEGER REFERENCES environments (id);
ALTER TABLE releases ADD COLUMN environment INTEGER REFERENCES environments (id);

CREATE INDEX releases_of_environment ON releases (environment) WHERE environment IS NOT NULL;

-- 1: rollback_of is run again because the environment changed, not to go back.
ALTER TABLE releases ADD COLUMN new_environment INTEGER NOT NULL DEFAULT 0
      CHECK (new_environment IN (0, 1) AND (new_environment = 0 OR rollback_of > 0 AND new_settings = 0));
