-- +goose Up

-- A channel could be removed while rules named it. Such a rule told nobody, or fewer.
UPDATE alert_rules
SET rule = json_set(rule, '$.channels', json((
    SELECT json_group_array(value) FROM json_each(alert_rules.rule, '$.channels') WHERE value IN (SELECT id FROM alert_channels))))
WHERE EXISTS (
    SELECT 1 FROM json_each(alert_rules.rule, '$.channels') WHERE value NOT IN (SELECT id FROM alert_channels));

-- The address that is requested while Berth is healthy. Without a row there is none.
CREATE TABLE alert_heartbeat (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    host       TEXT    NOT NULL,
    sealed     BLOB    NOT NULL CHECK (length(sealed) > 0),
    method     TEXT    NOT NULL CHECK (method IN ('GET', 'POST')),
    minutes    INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 60),
    private    INTEGER NOT NULL CHECK (private IN (0, 1)),
    tried_at   INTEGER,
    good_at    INTEGER,
    failed_at  INTEGER,
    last_error TEXT    NOT NULL DEFAULT ''
) STRICT;

-- Of which rules, or of which subjects of them, nothing is told. Without an end a mute
-- holds until what it is about is over.
CREATE TABLE alert_mutes (
    rule    INTEGER NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
    subject TEXT    NOT NULL, -- empty: every subject
    until   INTEGER,
    by      TEXT    NOT NULL,
    PRIMARY KEY (rule, subject)
) STRICT, WITHOUT ROWID;
