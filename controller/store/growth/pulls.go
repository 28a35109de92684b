package growth

import (
	"context"
	"fmt"
	"time"

	"berth/controller/store/sqlite"
)

// Pull is an image that Berth had an engine pull.
type Pull struct {
	Image     string // its ID
	Reference string // the name that it was pulled by
	Used      time.Time
}

// NotePull records that the engine pulled the image by the reference, now.
func (l Ledger) NotePull(ctx context.Context, engine, image, reference string) error {
	_, err := l.Writer.ExecContext(ctx, `
INSERT INTO pulls (engine, image, reference, used) VALUES (?, ?, ?, ?)
ON CONFLICT (engine, image) DO UPDATE SET reference = excluded.reference, used = excluded.used`,
		engine, image, reference, sqlite.Micros(time.Now()))
	return sqlite.Failure(err, "note pulled image")
}

// NoteUse records that the image is used now, if the engine pulled it for Berth.
func (l Ledger) NoteUse(ctx context.Context, engine, image string) error {
	_, err := l.Writer.ExecContext(ctx, `UPDATE pulls SET used = ? WHERE engine = ? AND image = ?`, sqlite.Micros(time.Now()), engine, image)
	return sqlite.Failure(err, "note use of pulled image")
}

// ListPulls returns what the engine pulled for Berth, what was not used for longest first.
func (l Ledger) ListPulls(ctx context.Context, engine string) (all []Pull, err error) {
	rows, err := l.Reader.QueryContext(ctx, `SELECT image, reference, used FROM pulls WHERE engine = ? ORDER BY used, image`, engine)
	if err != nil {
		return nil, fmt.Errorf("list pulled images: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pull Pull
		if err := rows.Scan(&pull.Image, &pull.Reference, sqlite.TimeInto(&pull.Used)); err != nil {
			return nil, fmt.Errorf("read pulled image: %w", err)
		}
		all = append(all, pull)
	}
	return all, rows.Err()
}

// ForgetPull removes the record of an image that the engine has no more.
func (l Ledger) ForgetPull(ctx context.Context, engine, image string) error {
	_, err := l.Writer.ExecContext(ctx, `DELETE FROM pulls WHERE engine = ? AND image = ?`, engine, image)
	return sqlite.Failure(err, "forget pulled image")
}
