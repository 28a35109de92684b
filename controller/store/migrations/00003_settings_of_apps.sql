-- +goose Up

-- The settings of an app, and of each release those that it was queued with. What
-- is there already has run with the limits of the hardening policy: 512 MB, half a
-- core, 100 processes.

ALTER TABLE apps ADD COLUMN memory_bytes  INTEGER NOT NULL DEFAULT 536870912 CHECK (memory_bytes > 0);
ALTER TABLE apps ADD COLUMN nano_cpus     INTEGER NOT NULL DEFAULT 500000000 CHECK (nano_cpus > 0);
ALTER TABLE apps ADD COLUMN processes     INTEGER NOT NULL DEFAULT 100       CHECK (processes > 0);
ALTER TABLE apps ADD COLUMN writable_root INTEGER NOT NULL DEFAULT 0         CHECK (writable_root IN (0, 1));

ALTER TABLE releases ADD COLUMN memory_bytes  INTEGER NOT NULL DEFAULT 536870912 CHECK (memory_bytes > 0);
ALTER TABLE releases ADD COLUMN nano_cpus     INTEGER NOT NULL DEFAULT 500000000 CHECK (nano_cpus > 0);
ALTER TABLE releases ADD COLUMN processes     INTEGER NOT NULL DEFAULT 100       CHECK (processes > 0);
ALTER TABLE releases ADD COLUMN writable_root INTEGER NOT NULL DEFAULT 0         CHECK (writable_root IN (0, 1));

ALTER TABLE releases ADD COLUMN port INTEGER NOT NULL DEFAULT 0 CHECK (port BETWEEN 0 AND 65535); -- 0: the image decides
UPDATE releases SET port = (SELECT a.port FROM apps a WHERE a.name = releases.app);

-- 1: rollback_of is run again because the settings changed, not to go back.
ALTER TABLE releases ADD COLUMN new_settings INTEGER NOT NULL DEFAULT 0
      CHECK (new_settings IN (0, 1) AND (new_settings = 0 OR rollback_of > 0));
