// Package hooks keeps the commands around backups in the SQLite ledger.
package hooks

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/store/sqlite"
)

// Hooks implements hook.Ledger.
type Hooks struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const selectHooks = `SELECT app, service, before, after FROM backup_hooks `

// ListHooks returns the hooks of all apps that are not wanted deleted, by the name of the app.
func (h Hooks) ListHooks(ctx context.Context) ([]hook.Hook, error) {
	rows, err := h.Reader.QueryContext(ctx, selectHooks+`WHERE app IN (SELECT name FROM apps WHERE wanted <> 'deleted') ORDER BY app`)
	all, err := sqlite.Collect(rows, err, scan)
	return all, sqlite.Failure(err, "list backup hooks")
}

// FindHook returns the hook of an app.
func (h Hooks) FindHook(ctx context.Context, name app.Name) (hook.Hook, error) {
	found, err := scan(h.Reader.QueryRowContext(ctx, selectHooks+`WHERE app = ?`, name))
	return found, sqlite.Failure(sqlite.OrNotFound(err), "find backup hook of %s", name)
}

// SaveHook gives an app a hook, in place of the one that it has.
func (h Hooks) SaveHook(ctx context.Context, wish hook.Hook) error {
	before, err := list(wish.Before)
	if err != nil {
		return err
	}
	after, err := list(wish.After)
	if err != nil {
		return err
	}
	err = h.Writer.ExecRow(ctx, `
INSERT INTO backup_hooks (app, service, before, after) SELECT name, ?2, ?3, ?4 FROM apps WHERE name = ?1 AND wanted <> 'deleted'
ON CONFLICT (app) DO UPDATE SET service = ?2, before = ?3, after = ?4`, wish.App, wish.Service, before, after)
	return sqlite.Failure(err, "save backup hook of %s", wish.App)
}

// DeleteHook takes the hook of an app away; none is fine.
func (h Hooks) DeleteHook(ctx context.Context, name app.Name) error {
	_, err := h.Writer.ExecContext(ctx, `DELETE FROM backup_hooks WHERE app = ?`, name)
	return sqlite.Failure(err, "delete backup hook of %s", name)
}

func scan(columns sqlite.Row) (found hook.Hook, err error) {
	var before, after any
	if err := columns.Scan(&found.App, &found.Service, &before, &after); err != nil {
		return hook.Hook{}, err
	}
	if err := sqlite.ScanJSON(before, &found.Before); err != nil {
		return hook.Hook{}, err
	}
	return found, sqlite.ScanJSON(after, &found.After)
}

// list is a JSON array, also of nothing.
func list(words []string) (string, error) {
	if words == nil {
		words = []string{}
	}
	text, err := json.Marshal(words)
	if err != nil {
		return "", fmt.Errorf("write command: %w", err)
	}
	return string(text), nil
}
