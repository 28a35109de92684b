// Package pushes keeps what apps have settled about pushes in the SQLite ledger.
package pushes

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/app"
	"berth/controller/push"
	"berth/controller/store/sqlite"
)

// Pushes implements the part of push.Ledger that is about settings.
type Pushes struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

// FindPushSettings returns the settings of an app; the zero Settings where it has none.
func (p Pushes) FindPushSettings(ctx context.Context, name app.Name) (settings push.Settings, err error) {
	err = p.Reader.QueryRowContext(ctx, `SELECT branch, folder FROM pushes WHERE app = ?`, name).Scan(&settings.Branch, &settings.Folder)
	if errors.Is(err, sql.ErrNoRows) {
		return push.Settings{}, nil
	}
	return settings, sqlite.Failure(err, "find push settings of %s", name)
}

// SavePushSettings keeps the settings of an app; an app that is gone has none.
func (p Pushes) SavePushSettings(ctx context.Context, name app.Name, settings push.Settings) error {
	_, err := p.Writer.ExecContext(ctx, `
INSERT INTO pushes (app, branch, folder) SELECT name, ?2, ?3 FROM apps WHERE name = ?1
ON CONFLICT (app) DO UPDATE SET branch = ?2, folder = ?3`, name, settings.Branch, settings.Folder)
	return sqlite.Failure(err, "save push settings of %s", name)
}
