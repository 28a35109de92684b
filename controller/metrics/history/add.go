package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"berth/controller/metrics"
)

// Add keeps readings of one moment, and adds up the coarser tiers as far as their buckets
// are over. All of it is one transaction.
func (h *History) Add(ctx context.Context, at time.Time, readings []metrics.Reading) error {
	made := make(map[metrics.Subject]int64)
	err := h.writer.Transact(ctx, func(tx *sql.Tx) error {
		finest := metrics.Tiers()[0]
		for _, reading := range readings {
			id, err := h.subject(ctx, tx, reading.Subject.Of(h.Handles.Of), made)
			if err != nil {
				return err
			}
			if id == 0 || len(reading.Values) == 0 {
				continue
			}
			if err := fold(ctx, tx, slot{finest.Number, id, finest.Bucket(at)}, metrics.PointOf(reading.Values)); err != nil {
				return err
			}
		}
		return h.roll(ctx, tx, at, made)
	})
	if err != nil {
		return fmt.Errorf("keep measurements: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, id := range made {
		h.subjects[name] = id
	}
	return nil
}

// subject returns the subject's id, which it may have to make; 0 if there are too many.
func (h *History) subject(ctx context.Context, tx *sql.Tx, name metrics.Subject, made map[metrics.Subject]int64) (int64, error) {
	if id, ok := h.find(name); ok {
		return id, nil
	}
	if len(h.ids())+len(made) >= mostSubjects {
		return 0, nil
	}
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO subjects (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id`, name).Scan(&id)
	made[name] = id
	return id, err
}

// slot is the place of one row.
type slot struct {
	tier    int
	subject int64
	bucket  int64
}

// fold adds a point to what its slot has.
func fold(ctx context.Context, tx *sql.Tx, at slot, point metrics.Point) error {
	var packed []byte
	err := tx.QueryRowContext(ctx, `SELECT packed FROM points WHERE tier = ? AND subject = ? AND bucket = ?`, at.tier, at.subject, at.bucket).Scan(&packed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if there, err := metrics.Unpack(packed); err == nil {
		point.Add(there)
	}
	return put(ctx, tx, at, point)
}

func put(ctx context.Context, tx *sql.Tx, at slot, point metrics.Point) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO points (tier, subject, bucket, packed) VALUES (?, ?, ?, ?)`, at.tier, at.subject, at.bucket, point.Pack())
	return err
}
