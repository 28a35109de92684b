-- +goose Up

-- Where the kept part of the audit log begins: the entries up to count were removed when
-- their time was over. The record is sealed like the head, so that nobody without the key
-- can remove entries unseen.
CREATE TABLE audit_base (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL CHECK (count >= 1),
    hash  TEXT    NOT NULL CHECK (length(hash) = 64),
    cut   INTEGER NOT NULL,
    mac   TEXT    NOT NULL CHECK (length(mac) = 64)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_base_only_grows BEFORE UPDATE ON audit_base WHEN NEW.count <= OLD.count
BEGIN
    SELECT raise(ABORT, 'the beginning of the audit log only moves on');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_base_stays BEFORE DELETE ON audit_base
BEGIN
    SELECT raise(ABORT, 'the beginning of the audit log is never forgotten');
END;
-- +goose StatementEnd

DROP TRIGGER audit_is_never_cut;

-- +goose StatementBegin
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit
WHEN OLD.sequence > coalesce((SELECT count FROM audit_base WHERE id = 1), 0)
BEGIN
    SELECT raise(ABORT, 'an entry of the audit log is never deleted');
END;
-- +goose StatementEnd
