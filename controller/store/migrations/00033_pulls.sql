-- +goose Up

-- The images that Berth had the engine pull: no other image of a registry is ever removed.
-- The engine's own ID is part of the key, so that a ledger that moves to another machine
-- claims nothing there.
CREATE TABLE pulls (
    engine    TEXT    NOT NULL CHECK (engine <> ''),
    image     TEXT    NOT NULL CHECK (image <> ''), -- its ID
    reference TEXT    NOT NULL CHECK (reference <> ''), -- the name that it was pulled by
    used      INTEGER NOT NULL, -- when it was pulled, built on or started last
    PRIMARY KEY (engine, image)
) STRICT, WITHOUT ROWID;
