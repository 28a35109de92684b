-- +goose Up

-- A token of its own for commit statuses, sealed; and what kind of git host sent the last
-- proven delivery.
ALTER TABLE webhooks ADD COLUMN status_token BLOB NOT NULL DEFAULT x'';
ALTER TABLE webhooks ADD COLUMN provider TEXT NOT NULL DEFAULT '' CHECK (provider IN ('', 'github', 'gitea', 'gitlab'));

-- What a git host is told of the releases that its commits became. One that is open has more
-- to tell.
CREATE TABLE commit_statuses (
    app        TEXT    NOT NULL,
    release    INTEGER NOT NULL,
    revision   TEXT    NOT NULL,
    repository TEXT    NOT NULL,
    provider   TEXT    NOT NULL CHECK (provider IN ('', 'github', 'gitea', 'gitlab')),
    state      TEXT    NOT NULL CHECK (state IN ('', 'pending', 'success', 'failure')), -- told last, or tried
    taken      INTEGER NOT NULL CHECK (taken IN (0, 1)),
    attempts   INTEGER NOT NULL CHECK (attempts >= 0), -- of this state
    next       INTEGER NOT NULL,
    fault      TEXT    NOT NULL,
    open       INTEGER NOT NULL CHECK (open IN (0, 1)),
    PRIMARY KEY (app, release),
    FOREIGN KEY (app, release) REFERENCES releases (app, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX open_commit_statuses ON commit_statuses (next) WHERE open = 1;

-- Apps that are deployed again when the tag of their image moves.
CREATE TABLE tag_watches (
    app     TEXT    NOT NULL PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    minutes INTEGER NOT NULL CHECK (minutes BETWEEN 5 AND 1440), -- between two looks
    next    INTEGER NOT NULL,
    tried   TEXT    NOT NULL, -- the digest that a release was made for last
    seen    TEXT    NOT NULL, -- what the tag meant at the last look
    looked  INTEGER,
    fault   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
