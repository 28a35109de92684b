-- +goose Up

-- fallback: a static site answers unknown paths with its index.html, once it is built
-- with it. database_waiver: what databases need to start. database_services is for which
-- services of a compose app it holds, with commas between; empty for those whose image
-- is a known database.

ALTER TABLE apps ADD COLUMN fallback          INTEGER NOT NULL DEFAULT 0 CHECK (fallback IN (0, 1));
ALTER TABLE apps ADD COLUMN database_waiver   INTEGER NOT NULL DEFAULT 0 CHECK (database_waiver IN (0, 1));
ALTER TABLE apps ADD COLUMN database_services TEXT    NOT NULL DEFAULT ''
      CHECK (database_services NOT GLOB '*[^a-z0-9_,-]*' AND (database_services = '' OR database_waiver = 1));

ALTER TABLE releases ADD COLUMN fallback          INTEGER NOT NULL DEFAULT 0 CHECK (fallback IN (0, 1));
ALTER TABLE releases ADD COLUMN database_waiver   INTEGER NOT NULL DEFAULT 0 CHECK (database_waiver IN (0, 1));
ALTER TABLE releases ADD COLUMN database_services TEXT    NOT NULL DEFAULT ''
      CHECK (database_services NOT GLOB '*[^a-z0-9_,-]*' AND (database_services = '' OR database_waiver = 1));

-- A release of an image instead of an archive: as it was asked for, and the digest that
-- its registry gave, empty where no registry did.
ALTER TABLE releases ADD COLUMN image_reference TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN image_digest    TEXT NOT NULL DEFAULT '' CHECK (image_digest = '' OR image_reference <> '');
