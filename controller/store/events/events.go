// Package events keeps events in the SQLite ledger.
package events

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/event"
	"berth/controller/store/sqlite"
)

// mostEvents is how many rows there are at most, whatever the rule of retention says.
const mostEvents = 200_000

// Ledger is the part of the ledger that keeps events.
type Ledger struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const selectEvents = `SELECT id, at, kind, app, release, account, detail FROM events`

// Insert writes an event within the transaction of what it tells about. An event without
// a time happens now.
func Insert(ctx context.Context, tx *sql.Tx, e event.Event) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e = e.Clean()
	_, err := tx.ExecContext(ctx, `INSERT INTO events (at, kind, app, release, account, detail) VALUES (?, ?, ?, ?, ?, ?)`,
		sqlite.Micros(e.At), e.Kind, e.App, e.Release, e.Account, e.Detail)
	return sqlite.Failure(err, "write event")
}

// AddEvent writes an event of what no other row of the ledger tells.
func (l Ledger) AddEvent(ctx context.Context, e event.Event) error {
	return l.Writer.Transact(ctx, func(tx *sql.Tx) error { return Insert(ctx, tx, e) })
}

// ListEvents returns a page of the events that pass the filter, the newest first.
func (l Ledger) ListEvents(ctx context.Context, filter event.Filter, page event.Page) ([]event.Event, error) {
	order := ` ORDER BY id DESC LIMIT :limit`
	if page.After != 0 {
		order = ` ORDER BY id LIMIT :limit`
	}
	rows, err := l.Reader.QueryContext(ctx, selectEvents+`
WHERE id < :before AND id > :after AND at >= :from AND at < :to AND (:app = '' OR app = :app) AND (:kind = '' OR kind = :kind)`+order,
		arguments(filter, page)...)
	all, err := sqlite.Collect(rows, err, scan)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	if page.After != 0 {
		slices.Reverse(all)
	}
	return all, nil
}

// FindLatestEvent returns the newest event of one of the kinds; the zero Event where there
// is none.
func (l Ledger) FindLatestEvent(ctx context.Context, kinds ...event.Kind) (latest event.Event, err error) {
	for _, kind := range kinds {
		found, err := scan(l.Reader.QueryRowContext(ctx, selectEvents+` WHERE kind = ? ORDER BY id DESC LIMIT 1`, kind))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return event.Event{}, fmt.Errorf("find latest event: %w", err)
		}
		if found.ID > latest.ID {
			latest = found
		}
	}
	return latest, nil
}

// CountByApp counts the events of some kinds since then, by app. The + leaves the index of
// the time to SQLite: few events are that new.
func (l Ledger) CountByApp(ctx context.Context, since time.Time, kinds ...event.Kind) (map[string]int, error) {
	counts := make(map[string]int)
	for _, kind := range kinds {
		rows, err := l.Reader.QueryContext(ctx, `SELECT app FROM events WHERE +kind = ? AND at >= ?`, kind, sqlite.Micros(since))
		names, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (name string, err error) {
			err = columns.Scan(&name)
			return name, err
		})
		if err != nil {
			return nil, fmt.Errorf("count events by app: %w", err)
		}
		for _, name := range names {
			counts[name]++
		}
	}
	return counts, nil
}

// CountEvents counts the events from before then; all of them for the zero time.
func (l Ledger) CountEvents(ctx context.Context, before time.Time) (count int64, err error) {
	err = l.Reader.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE ? OR at < ?`, before.IsZero(), before.UnixMicro()).Scan(&count)
	return count, sqlite.Failure(err, "count events")
}

// DeleteEvents removes the events from before then, and the oldest of too many.
func (l Ledger) DeleteEvents(ctx context.Context, before time.Time) error {
	_, err := l.Writer.ExecContext(ctx, `
DELETE FROM events WHERE (NOT ?1 AND at < ?2) OR id <= (SELECT max(id) FROM events) - ?3`, before.IsZero(), before.UnixMicro(), mostEvents)
	return sqlite.Failure(err, "delete events")
}

func arguments(filter event.Filter, page event.Page) []any {
	return append(sqlite.Window(page.Before, filter.From, filter.To),
		sql.Named("after", page.After), sql.Named("app", filter.App), sql.Named("kind", filter.Kind), sql.Named("limit", page.Limit))
}

func scan(columns sqlite.Row) (e event.Event, err error) {
	err = columns.Scan(&e.ID, sqlite.TimeInto(&e.At), &e.Kind, &e.App, &e.Release, &e.Account, &e.Detail)
	return e, err
}
