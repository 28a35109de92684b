-- +goose Up

CREATE TABLE alert_rules (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL CHECK (json_type(rule) = 'object')
) STRICT;

CREATE TABLE alert_channels (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE CHECK (name <> ''),
    settings      TEXT NOT NULL CHECK (json_type(settings) = 'object'),
    sealed        BLOB NOT NULL,
    failing_since INTEGER,
    last_at       INTEGER,
    last_error    TEXT NOT NULL
) STRICT;

-- How far each alert is, so that a restart forgets nothing. A changed rule begins anew.
CREATE TABLE alert_states (
    rule    INTEGER NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
    subject TEXT    NOT NULL,
    state   TEXT    NOT NULL CHECK (json_type(state) = 'object'),
    PRIMARY KEY (rule, subject)
) STRICT, WITHOUT ROWID;

-- Messages that a channel has not taken yet.
CREATE TABLE alert_outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    channel  INTEGER NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
    message  TEXT    NOT NULL CHECK (json_type(message) = 'object'),
    created  INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0)
) STRICT;

CREATE INDEX outbox_of_channel ON alert_outbox (channel, id);

-- The last event that the rules have looked at. Without a row the rules were never begun.
CREATE TABLE alert_cursor (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    event INTEGER NOT NULL
) STRICT;
