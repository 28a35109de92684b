-- +goose Up

-- What each subject (an address, an account, a token) has used of each limit.
CREATE TABLE limit_counters (
    class         TEXT    NOT NULL CHECK (class <> ''),
    subject       TEXT    NOT NULL CHECK (subject <> ''),
    windows       TEXT    NOT NULL CHECK (json_valid(windows)),
    refused       INTEGER NOT NULL CHECK (refused >= 0),
    limited_since INTEGER,          -- NULL: there is room
    limited_until INTEGER,
    ends_at       INTEGER NOT NULL, -- nothing is counted any more then
    PRIMARY KEY (class, subject),
    CHECK ((limited_since IS NULL) = (limited_until IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX limit_counters_ended ON limit_counters (ends_at);
CREATE INDEX limit_counters_limited ON limit_counters (limited_until) WHERE limited_until IS NOT NULL;

-- Where people signed in from: attempts from elsewhere do not lock them out there.
-- By name, because an attempt has no more than a name.
CREATE TABLE known_addresses (
    account TEXT    NOT NULL CHECK (account <> ''),
    address TEXT    NOT NULL CHECK (address <> ''),
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_addresses_used ON known_addresses (used_at);

-- How many requests did not fit, for the picture of the last day.
CREATE TABLE limit_refusals (
    hour    INTEGER NOT NULL,
    class   TEXT    NOT NULL CHECK (class <> ''),
    refused INTEGER NOT NULL CHECK (refused > 0),
    PRIMARY KEY (hour, class)
) STRICT, WITHOUT ROWID;
