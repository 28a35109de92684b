-- +goose Up

-- What the engine and the folders know the app by, where that is not its name: an app can be
-- renamed, and its handle never changes. Another app may have the former name.
ALTER TABLE apps ADD COLUMN handle TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX handle_of_one_app ON apps (coalesce(nullif(handle, ''), name));

-- The names that apps had. Entries of the audit log before a moment are about the former name.
CREATE TABLE former_names (
    app    TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    former TEXT    NOT NULL,
    until  INTEGER NOT NULL, -- microseconds since 1970
    PRIMARY KEY (app, until)
) STRICT, WITHOUT ROWID;

-- Routes by the former name of an app that redirect to its path of now.
CREATE TABLE former_routes (
    app  TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (host, path)
) STRICT, WITHOUT ROWID;

-- A route that an app claims does not redirect any more.

-- +goose StatementBegin
CREATE TRIGGER what_an_app_claims_does_not_redirect AFTER INSERT ON routes
BEGIN
    DELETE FROM former_routes WHERE host = NEW.host AND path = NEW.path;
END;
-- +goose StatementEnd
