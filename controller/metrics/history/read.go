package history

import (
	"context"
	"fmt"
	"time"

	"berth/controller/metrics"
	"berth/controller/store/sqlite"
)

// At is a point and when its span begins.
type At struct {
	Time  time.Time
	Point metrics.Point
}

// Read returns what is known of the subject in the range that ends at now, the oldest
// first. It reads one row for each point, and at most Range.Long / Tier.Width of them and
// one more. The newest span may not be over yet.
func (h *History) Read(ctx context.Context, subject metrics.Subject, r metrics.Range, now time.Time) ([]At, error) {
	id, ok := h.find(subject.Of(h.Handles.Of))
	if !ok {
		return nil, nil
	}
	rows, err := readRows(ctx, h.reader, slot{r.Tier.Number, id, r.Tier.Bucket(now.Add(-r.Long))}, r.Tier.Bucket(now)+1)
	if err != nil {
		return nil, fmt.Errorf("read measurements of %s: %w", subject, err)
	}
	points := make([]At, len(rows))
	for i, row := range rows {
		points[i] = At{r.Tier.At(row.bucket), row.point}
	}
	return points, nil
}

type row struct {
	bucket int64
	point  metrics.Point
}

// readRows reads the rows of a subject from the slot on, before the bucket to. A row that
// cannot be read is left out.
func readRows(ctx context.Context, from sqlite.Querier, at slot, to int64) ([]row, error) {
	rows, err := from.QueryContext(ctx,
		`SELECT bucket, packed FROM points WHERE tier = ? AND subject = ? AND bucket >= ? AND bucket < ? ORDER BY bucket`,
		at.tier, at.subject, at.bucket, to)
	return sqlite.Collect(rows, err, func(columns sqlite.Row) (r row, err error) {
		var packed []byte
		if err := columns.Scan(&r.bucket, &packed); err != nil {
			return r, err
		}
		if r.point, err = metrics.Unpack(packed); err != nil {
			r.point = nil
		}
		return r, nil
	})
}
