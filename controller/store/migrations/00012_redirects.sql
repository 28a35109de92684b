-- +goose Up

-- Hosts that redirect to another one.
CREATE TABLE redirects (
    host       TEXT    NOT NULL PRIMARY KEY CHECK (host <> '' AND host = lower(host) AND host NOT GLOB '*[{}`" /]*'),
    target     TEXT    NOT NULL CHECK (target <> '' AND target <> host AND target = lower(target) AND target NOT GLOB '*[{}`" /]*'),
    permanent  INTEGER NOT NULL CHECK (permanent IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A host redirects, or apps have it.

-- +goose StatementBegin
CREATE TRIGGER a_host_that_redirects_has_no_route BEFORE INSERT ON routes
WHEN EXISTS (SELECT 1 FROM redirects WHERE host = NEW.host)
BEGIN
    SELECT raise(ABORT, 'the host redirects to another');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER a_host_that_has_a_route_does_not_redirect BEFORE INSERT ON redirects
WHEN EXISTS (SELECT 1 FROM routes WHERE host = NEW.host)
BEGIN
    SELECT raise(ABORT, 'an app has the host');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER what_redirects_is_never_renamed BEFORE UPDATE OF host ON redirects
BEGIN
    SELECT raise(ABORT, 'a redirect is removed and made anew');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER what_has_a_route_is_never_renamed BEFORE UPDATE OF host ON routes
BEGIN
    SELECT raise(ABORT, 'a route is removed and made anew');
END;
-- +goose StatementEnd

-- What was found when it was asked whether a host can get a certificate here.
-- findings is only ever read as a whole: [{"about", "good", "message", "hint"}, ...].
CREATE TABLE host_checks (
    host       TEXT    NOT NULL PRIMARY KEY CHECK (host <> ''),
    checked_at INTEGER NOT NULL,
    findings   TEXT    NOT NULL CHECK (json_type(findings) = 'array')
) STRICT, WITHOUT ROWID;

-- The certificates that were asked for, because authorities count them.
CREATE TABLE certificate_orders (
    id       INTEGER PRIMARY KEY,
    host     TEXT    NOT NULL CHECK (host <> ''),
    domain   TEXT    NOT NULL CHECK (domain <> ''), -- the registered one
    asked_at INTEGER NOT NULL
) STRICT;

CREATE INDEX certificate_orders_of_domain ON certificate_orders (domain, asked_at);
