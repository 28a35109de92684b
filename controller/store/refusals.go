package store

import (
	"context"
	"database/sql"
	"time"

	"berth/controller/limit"
	"berth/controller/store/sqlite"
)

// AddRefusals adds to the count of each hour and class.
func (s *Store) AddRefusals(ctx context.Context, refusals []limit.Refusals) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		for _, r := range refusals {
			_, err := tx.ExecContext(ctx, `
INSERT INTO limit_refusals (hour, class, refused) VALUES (?, ?, ?)
ON CONFLICT (hour, class) DO UPDATE SET refused = refused + excluded.refused`, sqlite.Micros(r.Hour), r.Class, r.Count)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return sqlite.Failure(err, "add refusals")
}

// ListRefusals returns the counts from then on, by hour.
func (s *Store) ListRefusals(ctx context.Context, since time.Time) ([]limit.Refusals, error) {
	rows, err := s.reader.QueryContext(ctx, `
SELECT hour, class, refused FROM limit_refusals WHERE hour >= ? ORDER BY hour, class`, sqlite.Micros(since))
	refusals, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (r limit.Refusals, err error) {
		err = columns.Scan(sqlite.TimeInto(&r.Hour), &r.Class, &r.Count)
		return r, err
	})
	return refusals, sqlite.Failure(err, "list refusals")
}

// DeleteRefusals removes the counts from before then.
func (s *Store) DeleteRefusals(ctx context.Context, before time.Time) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM limit_refusals WHERE hour < ?`, sqlite.Micros(before))
	return sqlite.Failure(err, "delete refusals")
}
