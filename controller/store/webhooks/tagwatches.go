package webhooks

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
	"berth/controller/tagwatch"
)

const selectTagWatches = `SELECT app, enabled, minutes, next, tried, seen, looked, fault, hook_path, hook_hash, hook_secret FROM tag_watches `

// FindTagWatch returns the watch of an app; one that is off where it has none.
func (w Webhooks) FindTagWatch(ctx context.Context, name app.Name) (tagwatch.Watch, error) {
	found, err := scanTagWatch(w.Reader.QueryRowContext(ctx, selectTagWatches+`WHERE app = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return tagwatch.Watch{App: name, Minutes: tagwatch.DefaultMinutes}, nil
	}
	return found, sqlite.Failure(err, "find tag watch of %s", name)
}

// FindTagWatchAt returns the watch whose hook has the hash, or problem.ErrNotFound.
func (w Webhooks) FindTagWatchAt(ctx context.Context, hash string) (tagwatch.Watch, error) {
	found, err := scanTagWatch(w.Reader.QueryRowContext(ctx, selectTagWatches+`
WHERE hook_hash = ? AND hook_hash <> '' AND app IN (SELECT name FROM apps WHERE wanted <> 'deleted')`, hash))
	if errors.Is(err, sql.ErrNoRows) {
		return tagwatch.Watch{}, problem.ErrNotFound
	}
	return found, sqlite.Failure(err, "find the tag watch of a hook")
}

// ListDueTagWatches returns the watches that are to look now, of apps that are wanted running.
func (w Webhooks) ListDueTagWatches(ctx context.Context, now time.Time) ([]tagwatch.Watch, error) {
	rows, err := w.Reader.QueryContext(ctx, selectTagWatches+`
WHERE enabled = 1 AND next <= ? AND app IN (SELECT name FROM apps WHERE wanted = 'running') ORDER BY next, app`, sqlite.Micros(now))
	all, err := sqlite.Collect(rows, err, scanTagWatch)
	return all, sqlite.Failure(err, "list tag watches that are due")
}

// SaveTagWatch keeps the watch of an app; an app that is gone has none.
func (w Webhooks) SaveTagWatch(ctx context.Context, wish tagwatch.Watch) error {
	err := w.Writer.ExecRow(ctx, `
INSERT INTO tag_watches (app, enabled, minutes, next, tried, seen, looked, fault, hook_path, hook_hash, hook_secret)
SELECT name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM apps WHERE name = ?1 AND wanted <> 'deleted'
ON CONFLICT (app) DO UPDATE SET enabled = ?2, minutes = ?3, next = ?4, tried = ?5, seen = ?6, looked = ?7, fault = ?8, hook_path = ?9, hook_hash = ?10, hook_secret = ?11`,
		wish.App, wish.On, wish.Minutes, sqlite.Micros(wish.Next), wish.Tried, wish.Seen, sqlite.Micros(wish.LookedAt), wish.Fault, orEmpty(wish.HookPath), wish.HookHash, orEmpty(wish.HookSecret))
	return sqlite.Failure(err, "save tag watch of %s", wish.App)
}

func scanTagWatch(columns sqlite.Row) (found tagwatch.Watch, err error) {
	err = columns.Scan(&found.App, &found.On, &found.Minutes, sqlite.TimeInto(&found.Next), &found.Tried, &found.Seen, sqlite.TimeInto(&found.LookedAt), &found.Fault, &found.HookPath, &found.HookHash, &found.HookSecret)
	return found, err
}
