-- +goose Up

-- What happened, in the order of the ledger. A row is written in the transaction of what
-- it tells about, and removed when its time is over. AUTOINCREMENT: readers remember the
-- last id that they have seen, so no id is used twice.
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind <> ''),
    app     TEXT    NOT NULL, -- empty: the server; an event outlives its app
    release INTEGER NOT NULL CHECK (release >= 0),
    account TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;

CREATE INDEX events_of_app ON events (app, id);
CREATE INDEX events_of_kind ON events (kind, id);
CREATE INDEX events_by_time ON events (at);
