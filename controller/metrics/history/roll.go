package history

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"berth/controller/metrics"
)

// roll adds each coarser tier up from the one before, as far as its buckets are over. What a
// Berth that was killed had not added up yet is added up by the next one.
func (h *History) roll(ctx context.Context, tx *sql.Tx, now time.Time, made map[metrics.Subject]int64) error {
	tiers := metrics.Tiers()
	ids := h.ids()
	for _, id := range made {
		ids = append(ids, id)
	}
	for i, coarse := range tiers[1:] {
		fine := tiers[i]
		to := coarse.Bucket(now)
		from, err := rolledTo(ctx, tx, coarse)
		if err != nil {
			return err
		}
		if from >= to {
			continue
		}
		from = max(from, coarse.Bucket(now.Add(-fine.Keep)))
		for _, id := range ids {
			if err := rollSubject(ctx, tx, id, span{fine, coarse, from, to}); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO rolled (tier, bucket) VALUES (?, ?)`, coarse.Number, to); err != nil {
			return err
		}
	}
	return nil
}

func rolledTo(ctx context.Context, tx *sql.Tx, tier metrics.Tier) (bucket int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT bucket FROM rolled WHERE tier = ?`, tier.Number).Scan(&bucket)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return bucket, err
}

// span is the buckets of a coarse tier that are to be added up.
type span struct {
	fine, coarse metrics.Tier
	from, to     int64 // to is the first one after them
}

func rollSubject(ctx context.Context, tx *sql.Tx, id int64, s span) error {
	times := int64(s.coarse.Width / s.fine.Width)
	found, err := readRows(ctx, tx, slot{s.fine.Number, id, s.from * times}, s.to*times)
	if err != nil {
		return err
	}
	sums := make(map[int64]metrics.Point)
	for _, row := range found {
		bucket := row.bucket / times
		if sums[bucket] == nil {
			sums[bucket] = make(metrics.Point)
		}
		sums[bucket].Add(row.point)
	}
	for bucket, point := range sums {
		if err := put(ctx, tx, slot{s.coarse.Number, id, bucket}, point); err != nil {
			return err
		}
	}
	return nil
}
