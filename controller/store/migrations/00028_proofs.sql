-- +goose Up

-- Whether the proxy is the only way to a live release.
CREATE TABLE proofs (
    app      TEXT    NOT NULL,
    release  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    answered INTEGER NOT NULL CHECK (answered IN (0, 1)), -- through the proxy
    leaks    TEXT    NOT NULL CHECK (json_type(leaks) = 'array'), -- direct ways that were open
    PRIMARY KEY (app, release),
    FOREIGN KEY (app, release) REFERENCES releases (app, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The last probe of all that no app may reach.
CREATE TABLE probes (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    at      INTEGER NOT NULL,
    results TEXT    NOT NULL CHECK (json_type(results) = 'array')
) STRICT;
