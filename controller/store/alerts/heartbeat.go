package alerts

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"berth/controller/alert"
	"berth/controller/store/sqlite"
)

// FindHeartbeat returns the heartbeat; the zero one where there is none.
func (l Ledger) FindHeartbeat(ctx context.Context) (found alert.Heartbeat, err error) {
	err = l.Reader.QueryRowContext(ctx, `
SELECT host, sealed, method, minutes, private, tried_at, good_at, failed_at, last_error FROM alert_heartbeat`).Scan(
		&found.Host, &found.Sealed, &found.Method, &found.Minutes, &found.Private,
		sqlite.TimeInto(&found.TriedAt), sqlite.TimeInto(&found.GoodAt), sqlite.TimeInto(&found.FailedAt), &found.Error)
	if errors.Is(err, sql.ErrNoRows) {
		return alert.Heartbeat{}, nil
	}
	return found, sqlite.Failure(err, "find heartbeat")
}

// SaveHeartbeat replaces the settings. What was known of beats to another address is
// forgotten.
func (l Ledger) SaveHeartbeat(ctx context.Context, h alert.Heartbeat) error {
	_, err := l.Writer.ExecContext(ctx, `
INSERT INTO alert_heartbeat (id, host, sealed, method, minutes, private) VALUES (1, ?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET host = ?1, sealed = ?2, method = ?3, minutes = ?4, private = ?5, tried_at = NULL, last_error = '',
  good_at = iif(sealed = ?2, good_at, NULL), failed_at = iif(sealed = ?2, failed_at, NULL)`, h.Host, h.Sealed, h.Method, h.Minutes, h.Private)
	return sqlite.Failure(err, "save heartbeat")
}

// DeleteHeartbeat removes the heartbeat; none is fine.
func (l Ledger) DeleteHeartbeat(ctx context.Context) error {
	_, err := l.Writer.ExecContext(ctx, `DELETE FROM alert_heartbeat`)
	return sqlite.Failure(err, "delete heartbeat")
}

// NoteTried keeps when a beat was begun.
func (l Ledger) NoteTried(ctx context.Context, at time.Time) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `UPDATE alert_heartbeat SET tried_at = ?`, sqlite.Micros(at)), "note heartbeat")
}

// NoteBeat keeps how a beat ended; without a fault it was taken.
func (l Ledger) NoteBeat(ctx context.Context, at time.Time, fault string) error {
	_, err := l.Writer.ExecContext(ctx, `
UPDATE alert_heartbeat SET good_at = iif(?2 = '', ?1, good_at), failed_at = iif(?2 = '', failed_at, ?1), last_error = ?2`, sqlite.Micros(at), fault)
	return sqlite.Failure(err, "note heartbeat")
}
