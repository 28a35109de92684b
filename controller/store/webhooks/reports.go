package webhooks

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/controller/webhook/inbox"
)

const selectReports = `
SELECT s.app, s.release, s.revision, s.repository, s.provider, s.state, s.taken, s.attempts, s.next, s.fault, s.open, r.state
FROM commit_statuses s JOIN releases r ON r.app = s.app AND r.number = s.release `

// AddReport begins to report on a release.
func (w Webhooks) AddReport(ctx context.Context, r inbox.Report) error {
	_, err := w.Writer.ExecContext(ctx, `
INSERT INTO commit_statuses (app, release, revision, repository, provider, state, taken, attempts, next, fault, open)
VALUES (?, ?, ?, ?, ?, '', 0, 0, ?, '', 1) ON CONFLICT (app, release) DO NOTHING`,
		r.Release.App, r.Release.Number, r.Commit, r.Repository, r.Provider, sqlite.Micros(r.Next))
	return sqlite.Failure(err, "begin to report on %s", r.Release)
}

// ListDueReports returns what has more to tell, the oldest first.
func (w Webhooks) ListDueReports(ctx context.Context, now time.Time) ([]inbox.Report, error) {
	rows, err := w.Reader.QueryContext(ctx, selectReports+`WHERE s.open = 1 AND s.next <= ? ORDER BY s.next, s.app, s.release`, sqlite.Micros(now))
	all, err := sqlite.Collect(rows, err, scanReport)
	return all, sqlite.Failure(err, "list reports that are due")
}

// FindLastReport returns the report on the newest release that has one; the zero Report where
// none has.
func (w Webhooks) FindLastReport(ctx context.Context, name app.Name) (inbox.Report, error) {
	found, err := scanReport(w.Reader.QueryRowContext(ctx, selectReports+`WHERE s.app = ? ORDER BY s.release DESC LIMIT 1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return inbox.Report{}, nil
	}
	return found, sqlite.Failure(err, "find last report of %s", name)
}

// MarkReport keeps how far a report is.
func (w Webhooks) MarkReport(ctx context.Context, r inbox.Report) error {
	_, err := w.Writer.ExecContext(ctx, `
UPDATE commit_statuses SET state = ?3, taken = ?4, attempts = ?5, next = ?6, fault = ?7, open = ?8 WHERE app = ?1 AND release = ?2`,
		r.Release.App, r.Release.Number, r.State, r.Taken, r.Attempts, sqlite.Micros(r.Next), r.Fault, r.Open)
	return sqlite.Failure(err, "save report on %s", r.Release)
}

func scanReport(columns sqlite.Row) (r inbox.Report, err error) {
	err = columns.Scan(&r.Release.App, &r.Release.Number, &r.Commit, &r.Repository, &r.Provider, &r.State, &r.Taken, &r.Attempts, sqlite.TimeInto(&r.Next), &r.Fault, &r.Open, &r.Reached)
	return r, err
}
