package growth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"berth/controller/audit"
	"berth/controller/store/sqlite"
)

// FindAuditBase returns where the kept part of the audit log begins; the zero Base where
// nothing was ever removed.
func (l Ledger) FindAuditBase(ctx context.Context) (base audit.Base, err error) {
	err = l.Reader.QueryRowContext(ctx, `SELECT count, hash, cut, mac FROM audit_base WHERE id = 1`).
		Scan(&base.Count, &base.Hash, sqlite.TimeInto(&base.Cut), &base.MAC)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Base{}, nil
	}
	if err != nil {
		return audit.Base{}, fmt.Errorf("find beginning of audit log: %w", err)
	}
	return base, nil
}

// CutAudit makes the kept part of the audit log begin after the base, which is later than
// the one before, and removes the entries up to it, in one transaction.
func (l Ledger) CutAudit(ctx context.Context, base audit.Base) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO audit_base (id, count, hash, cut, mac) VALUES (1, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET count = excluded.count, hash = excluded.hash, cut = excluded.cut, mac = excluded.mac`,
			base.Count, base.Hash, sqlite.Micros(base.Cut), base.MAC); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE sequence <= ?`, base.Count)
		return err
	})
	return sqlite.Failure(err, "cut audit log")
}
