-- +goose Up

-- One row an entry of the audit log, in the order of the chain: each holds the hash
-- of the one before. Rows are only ever added.
CREATE TABLE audit (
    sequence   INTEGER PRIMARY KEY CHECK (sequence >= 1),
    at         INTEGER NOT NULL,
    action     TEXT    NOT NULL CHECK (action <> ''),
    resource   TEXT    NOT NULL,
    success    INTEGER NOT NULL CHECK (success IN (0, 1)),
    account    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    previous   TEXT    NOT NULL CHECK (length(previous) = 64),
    hash       TEXT    NOT NULL CHECK (length(hash) = 64)
) STRICT;

CREATE INDEX audit_of_action ON audit (action);
CREATE INDEX audit_of_account ON audit (account);

-- +goose StatementBegin
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is never deleted');
END;
-- +goose StatementEnd

-- The end of the chain, so that entries missing there are noticed.
CREATE TABLE audit_head (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    count   INTEGER NOT NULL CHECK (count >= 1),
    hash    TEXT    NOT NULL CHECK (length(hash) = 64),
    written INTEGER NOT NULL CHECK (written >= 0),
    mac     TEXT    NOT NULL CHECK (length(mac) = 64)
) STRICT;
