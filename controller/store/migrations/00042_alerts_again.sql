-- +goose Up

-- A channel could be removed while rules named it. Such a rule told nobody, or fewer.
UPDATE alert_rules
SET rule = json_set(rule, '$.channels', json((
    SELECT json_group_array(value) FROM json_each(alert_rules.rule, '$.channels') WHERE value IN (SELECT id FROM alert_channels))))
WHERE EXISTS (
    SELECT 1 FROM json_each(alert_rules.rule, '$.channels') WHERE value NOT IN (SELECT id FROM alert_channels));
