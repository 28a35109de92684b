package people

import (
	"context"
	"database/sql"
	"fmt"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// CreateSecondFactor stores a second factor with its recovery codes.
func (l Ledger) CreateSecondFactor(ctx context.Context, factor account.SecondFactor, recoveryHashes []string) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO second_factors (account, sealed, last_step, created_at) VALUES (?, ?, ?, ?)`,
			factor.Account, factor.Sealed, factor.LastStep, sqlite.Micros(factor.CreatedAt))
		if sqlite.IsTaken(err) {
			return problem.ErrNameTaken
		}
		if err != nil {
			return err
		}
		return insertRecoveryCodes(ctx, tx, factor.Account, recoveryHashes)
	})
	return sqlite.Failure(err, "create second factor of account %d", factor.Account)
}

// FindSecondFactor returns the second factor of an account.
func (l Ledger) FindSecondFactor(ctx context.Context, who int64) (account.SecondFactor, error) {
	factor := account.SecondFactor{Account: who}
	err := l.Reader.QueryRowContext(ctx, `SELECT sealed, last_step, created_at FROM second_factors WHERE account = ?`, who).
		Scan(&factor.Sealed, &factor.LastStep, sqlite.TimeInto(&factor.CreatedAt))
	if err != nil {
		return account.SecondFactor{}, fmt.Errorf("find second factor of account %d: %w", who, sqlite.OrNotFound(err))
	}
	return factor, nil
}

// UseStep takes the code of a time step. Of two that use one step at the same
// moment, only one finds it unused.
func (l Ledger) UseStep(ctx context.Context, account, step int64) error {
	err := l.Writer.ExecRow(ctx, `UPDATE second_factors SET last_step = ?1 WHERE account = ?2 AND last_step < ?1`, step, account)
	return sqlite.Failure(err, "use code of account %d", account)
}

// UseRecoveryCode takes a recovery code, which is gone then.
func (l Ledger) UseRecoveryCode(ctx context.Context, account int64, hash string) error {
	err := l.Writer.ExecRow(ctx, `DELETE FROM recovery_codes WHERE account = ? AND hash = ?`, account, hash)
	return sqlite.Failure(err, "use recovery code of account %d", account)
}

// ReplaceRecoveryCodes puts new codes in the place of what is left of the old ones.
func (l Ledger) ReplaceRecoveryCodes(ctx context.Context, account int64, hashes []string) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE account = ?`, account); err != nil {
			return err
		}
		return insertRecoveryCodes(ctx, tx, account, hashes)
	})
	return sqlite.Failure(err, "replace recovery codes of account %d", account)
}

// DeleteSecondFactor removes the second factor of an account and its recovery codes.
func (l Ledger) DeleteSecondFactor(ctx context.Context, account int64) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `DELETE FROM second_factors WHERE account = ?`, account), "delete second factor of account %d", account)
}

func insertRecoveryCodes(ctx context.Context, tx *sql.Tx, account int64, hashes []string) error {
	for _, hash := range hashes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (account, hash) VALUES (?, ?)`, account, hash); err != nil {
			return err
		}
	}
	return nil
}
