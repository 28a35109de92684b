package people

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"berth/controller/store/sqlite"
)

// KnowsAddress reports whether the account was signed in to at the address since then.
func (l Ledger) KnowsAddress(ctx context.Context, account, address string, since time.Time) (known bool, err error) {
	err = l.Reader.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM known_addresses WHERE account = ? AND address = ? AND used_at > ?)`,
		account, address, sqlite.Micros(since)).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("find known address: %w", err)
	}
	return known, nil
}

// RememberAddress notes the address, and forgets all but the latest most of the account.
func (l Ledger) RememberAddress(ctx context.Context, account, address string, at time.Time, most int) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
INSERT INTO known_addresses (account, address, used_at) VALUES (?, ?, ?)
ON CONFLICT (account, address) DO UPDATE SET used_at = excluded.used_at`, account, address, sqlite.Micros(at))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
DELETE FROM known_addresses WHERE account = ? AND address NOT IN (
    SELECT address FROM known_addresses WHERE account = ? ORDER BY used_at DESC LIMIT ?)`, account, account, most)
		return err
	})
	return sqlite.Failure(err, "remember address")
}

// ForgetAddresses removes every known address that was not used since then.
func (l Ledger) ForgetAddresses(ctx context.Context, since time.Time) error {
	_, err := l.Writer.ExecContext(ctx, `DELETE FROM known_addresses WHERE used_at <= ?`, sqlite.Micros(since))
	return sqlite.Failure(err, "forget addresses")
}
