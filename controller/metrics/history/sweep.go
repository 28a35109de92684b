package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/metrics"
)

// fullAt is the share of its most pages at which the file counts as full.
const fullAt = 0.9

// Sweep removes what is older than its tier is kept, and subjects of which nothing is left.
// If the file is nearly full, each tier is kept for half as long.
func (h *History) Sweep(ctx context.Context, now time.Time) error {
	share := time.Duration(1)
	if full, err := h.full(ctx); err != nil {
		return fmt.Errorf("sweep measurements: %w", err)
	} else if full {
		share = 2
	}
	var failures []error
	for _, id := range h.ids() {
		for _, tier := range metrics.Tiers() {
			// One short transaction each: nobody who writes waits long.
			_, err := h.writer.ExecContext(ctx, `DELETE FROM points WHERE tier = ? AND subject = ? AND bucket < ?`,
				tier.Number, id, tier.Bucket(now.Add(-tier.Keep/share)))
			failures = append(failures, err)
		}
	}
	if err := errors.Join(append(failures, h.forgetEmpty(ctx), h.bound(ctx))...); err != nil {
		return fmt.Errorf("sweep measurements: %w", err)
	}
	return nil
}

func (h *History) full(ctx context.Context) (bool, error) {
	used, err := h.pages(ctx)
	return float64(used) > fullAt*mostSize/pageSize, err
}

// pages are those in use.
func (h *History) pages(ctx context.Context) (used int64, err error) {
	var free int64
	err = errors.Join(
		h.writer.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&used),
		h.writer.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free))
	return used - free, err
}

// forgetEmpty removes subjects without a point. It looks at one row of each.
func (h *History) forgetEmpty(ctx context.Context) error {
	const empty = `DELETE FROM subjects WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM points WHERE subject = ?1 AND tier = 0)
AND NOT EXISTS (SELECT 1 FROM points WHERE subject = ?1 AND tier = 1) AND NOT EXISTS (SELECT 1 FROM points WHERE subject = ?1 AND tier = 2)
AND NOT EXISTS (SELECT 1 FROM points WHERE subject = ?1 AND tier = 3)`
	var gone []int64
	for _, id := range h.ids() {
		result, err := h.writer.ExecContext(ctx, empty, id)
		if err != nil {
			return err
		}
		if removed, err := result.RowsAffected(); err == nil && removed > 0 {
			gone = append(gone, id)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, id := range h.subjects {
		if slices.Contains(gone, id) {
			delete(h.subjects, name)
		}
	}
	return nil
}

// Forget removes all that is known of the subjects.
func (h *History) Forget(ctx context.Context, subjects ...metrics.Subject) error {
	for _, subject := range subjects {
		id, ok := h.find(subject.Of(h.Handles.Of))
		if !ok {
			continue
		}
		for _, tier := range metrics.Tiers() {
			if _, err := h.writer.ExecContext(ctx, `DELETE FROM points WHERE tier = ? AND subject = ?`, tier.Number, id); err != nil {
				return fmt.Errorf("forget measurements of %s: %w", subject, err)
			}
		}
	}
	return nil
}
