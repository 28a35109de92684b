package alerts

import (
	"context"
	"database/sql"

	"berth/controller/alert"
	"berth/controller/store/sqlite"
)

func (l Ledger) listMutes(ctx context.Context) ([]alert.Mute, error) {
	rows, err := l.Reader.QueryContext(ctx, `SELECT rule, subject, until, by FROM alert_mutes ORDER BY rule, subject DESC`)
	mutes, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (m alert.Mute, err error) {
		return m, columns.Scan(&m.Rule, &m.Subject, sqlite.TimeInto(&m.Until), &m.By)
	})
	return mutes, sqlite.Failure(err, "list mutes of alerts")
}

// SaveMute creates a mute, or replaces the one of the same rule and subject.
func (l Ledger) SaveMute(ctx context.Context, m alert.Mute) error {
	err := l.Writer.ExecRow(ctx, `
INSERT INTO alert_mutes (rule, subject, until, by) SELECT id, ?2, ?3, ?4 FROM alert_rules WHERE id = ?1
ON CONFLICT (rule, subject) DO UPDATE SET until = ?3, by = ?4`, m.Rule, m.Subject, sqlite.Micros(m.Until), m.By)
	return sqlite.Failure(err, "mute rule %d", m.Rule)
}

// DeleteMute removes a mute.
func (l Ledger) DeleteMute(ctx context.Context, m alert.Mute) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, deleteMute, m.Rule, m.Subject), "end mute of rule %d", m.Rule)
}

const deleteMute = `DELETE FROM alert_mutes WHERE rule = ? AND subject = ?`

// deleteMutes removes mutes that ended.
func deleteMutes(ctx context.Context, tx *sql.Tx, ended []alert.Mute) error {
	for _, m := range ended {
		if _, err := tx.ExecContext(ctx, deleteMute, m.Rule, m.Subject); err != nil {
			return err
		}
	}
	return nil
}
