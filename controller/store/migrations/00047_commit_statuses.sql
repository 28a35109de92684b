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
