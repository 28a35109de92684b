package disks

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"berth/controller/retention"
)

// lookRows counts rows of the ledger.
func (d *Disks) lookRows(of func(Rows) int64) func(context.Context, *Item) error {
	return func(ctx context.Context, item *Item) error {
		rows, err := d.Rows(ctx)
		item.Used.Count = of(rows)
		return err
	}
}

// lookAudit counts the entries, and the bytes of their file.
func (d *Disks) lookAudit(ctx context.Context, rules retention.Rules, item *Item) error {
	rows, err := d.Rows(ctx)
	if err != nil {
		return err
	}
	item.Used.Count = rows.Audit
	if info, err := os.Lstat(filepath.Join(d.DataFolder, auditFile)); err == nil {
		item.Used.Bytes = info.Size()
	}
	if rules.AuditDays == 0 {
		return nil
	}
	item.Free.Count, err = d.Audit.CountBefore(ctx, d.daysAgo(rules.AuditDays))
	if item.Used.Count > 0 {
		item.Free.Bytes = int64(float64(item.Used.Bytes) / float64(item.Used.Count) * float64(item.Free.Count))
	}
	return err
}

// lookEvents counts the events.
func (d *Disks) lookEvents(ctx context.Context, rules retention.Rules, item *Item) (err error) {
	if item.Used.Count, err = d.Events.CountEvents(ctx, time.Time{}); err != nil || rules.EventDays == 0 {
		return err
	}
	item.Free.Count, err = d.Events.CountEvents(ctx, d.daysAgo(rules.EventDays))
	return err
}

// cleanAudit removes the entries whose time is over.
func (d *Disks) cleanAudit(ctx context.Context, rules retention.Rules) error {
	if rules.AuditDays == 0 {
		return nil
	}
	_, err := d.Audit.Cut(ctx, d.daysAgo(rules.AuditDays))
	return err
}
