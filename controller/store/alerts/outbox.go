package alerts

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"berth/controller/alert"
	"berth/controller/store/sqlite"
)

// mostWaiting is how many messages wait for one channel at most; the oldest are dropped.
const mostWaiting = 1000

// ListDue returns the oldest message of each channel, if it may be tried now.
func (l Ledger) ListDue(ctx context.Context, now time.Time) ([]alert.Outgoing, error) {
	rows, err := l.Reader.QueryContext(ctx, `
SELECT id, channel, message, created, next, attempts FROM alert_outbox
WHERE id IN (SELECT min(id) FROM alert_outbox GROUP BY channel) AND next <= ? ORDER BY id`, sqlite.Micros(now))
	due, err := sqlite.Collect(rows, err, scanOutgoing)
	return due, sqlite.Failure(err, "list messages")
}

// MarkSent forgets a message that its channel took.
func (l Ledger) MarkSent(ctx context.Context, sent alert.Outgoing, at time.Time) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM alert_outbox WHERE id = ?`, sent.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE alert_channels SET failing_since = NULL, last_at = ?, last_error = '' WHERE id = ?`, sqlite.Micros(at), sent.Channel)
		return err
	})
	return sqlite.Failure(err, "forget message %d", sent.ID)
}

// MarkFailed keeps a message that its channel did not take for another attempt.
func (l Ledger) MarkFailed(ctx context.Context, failed alert.Outgoing, at, next time.Time, reason string) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE alert_outbox SET attempts = attempts + 1, next = ? WHERE id = ?`, sqlite.Micros(next), failed.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE alert_channels SET last_at = ?, last_error = ? WHERE id = ?`, sqlite.Micros(at), reason, failed.Channel)
		return err
	})
	return sqlite.Failure(err, "keep message %d", failed.ID)
}

// GiveUp forgets a message that could not be delivered, and marks its channel.
func (l Ledger) GiveUp(ctx context.Context, lost alert.Outgoing, at time.Time, reason string) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM alert_outbox WHERE id = ?`, lost.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
UPDATE alert_channels SET failing_since = coalesce(failing_since, ?1), last_at = ?1, last_error = ?2 WHERE id = ?3`, sqlite.Micros(at), reason, lost.Channel)
		return err
	})
	return sqlite.Failure(err, "give up message %d", lost.ID)
}

// insertOutbox adds messages for channels that are still there.
func insertOutbox(ctx context.Context, tx *sql.Tx, outbox []alert.Outgoing) error {
	for _, out := range outbox {
		text, err := json.Marshal(out.Message)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
INSERT INTO alert_outbox (channel, message, created, next, attempts)
SELECT ?1, ?2, ?3, ?3, 0 WHERE EXISTS (SELECT 1 FROM alert_channels WHERE id = ?1)`, out.Channel, string(text), sqlite.Micros(out.Created)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
DELETE FROM alert_outbox WHERE channel = ?1 AND id <= (SELECT id FROM alert_outbox WHERE channel = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, out.Channel, mostWaiting); err != nil {
			return err
		}
	}
	return nil
}

func scanOutgoing(columns sqlite.Row) (out alert.Outgoing, err error) {
	var message any
	err = columns.Scan(&out.ID, &out.Channel, &message, sqlite.TimeInto(&out.Created), sqlite.TimeInto(&out.Next), &out.Attempts)
	if err == nil {
		err = sqlite.ScanJSON(message, &out.Message)
	}
	return out, err
}
