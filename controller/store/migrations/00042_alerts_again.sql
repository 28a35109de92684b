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
