-- +goose Up

-- Who made a token (NULL: the command line), where it may be used from and where it
-- was. A token goes with its account. A revoked one stays for a while, to be seen.

ALTER TABLE tokens ADD COLUMN account    INTEGER REFERENCES accounts (id) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN ranges     TEXT NOT NULL DEFAULT '' CHECK (ranges NOT GLOB '*[^0-9a-f.:/, ]*'); -- empty: any
ALTER TABLE tokens ADD COLUMN revoked_at INTEGER;
ALTER TABLE tokens ADD COLUMN used_at    INTEGER;
ALTER TABLE tokens ADD COLUMN used_from  TEXT NOT NULL DEFAULT '' CHECK ((used_from = '') = (used_at IS NULL));

CREATE INDEX tokens_of_account ON tokens (account) WHERE account IS NOT NULL;
