package people

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

const selectAccounts = `
SELECT id, name, password_hash, must_change, created_at, login_at, declined,
       EXISTS (SELECT 1 FROM second_factors f WHERE f.account = accounts.id),
       (SELECT count(*) FROM recovery_codes c WHERE c.account = accounts.id)
FROM accounts`

// CreateAccount stores an account and gives it its id.
func (l Ledger) CreateAccount(ctx context.Context, who account.Account) (account.Account, error) {
	who.CreatedAt = sqlite.Stored(who.CreatedAt)
	err := l.Writer.QueryRowContext(ctx, `
INSERT INTO accounts (name, password_hash, must_change, created_at) VALUES (?, ?, ?, ?) RETURNING id`,
		who.Name, who.PasswordHash, who.MustChange, sqlite.Micros(who.CreatedAt)).Scan(&who.ID)
	if sqlite.IsTaken(err) {
		err = problem.ErrNameTaken
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("create account %s: %w", who.Name, sqlite.NoRoom(err))
	}
	return who, nil
}

// FindAccount returns the account of that id.
func (l Ledger) FindAccount(ctx context.Context, id int64) (account.Account, error) {
	who, err := scanAccount(l.Reader.QueryRowContext(ctx, selectAccounts+` WHERE id = ?`, id))
	if err != nil {
		return account.Account{}, fmt.Errorf("find account %d: %w", id, sqlite.OrNotFound(err))
	}
	return who, nil
}

// FindAccountByName returns the account of that name.
func (l Ledger) FindAccountByName(ctx context.Context, name string) (account.Account, error) {
	who, err := scanAccount(l.Reader.QueryRowContext(ctx, selectAccounts+` WHERE name = ?`, name))
	if err != nil {
		return account.Account{}, fmt.Errorf("find account %.60q: %w", name, sqlite.OrNotFound(err))
	}
	return who, nil
}

// ListAccounts returns every account by name.
func (l Ledger) ListAccounts(ctx context.Context) ([]account.Account, error) {
	rows, err := l.Reader.QueryContext(ctx, selectAccounts+` ORDER BY name`)
	accounts, err := sqlite.Collect(rows, err, scanAccount)
	return accounts, sqlite.Failure(err, "list accounts")
}

// CountAccounts returns how many accounts there are.
func (l Ledger) CountAccounts(ctx context.Context) (count int, err error) {
	if err := l.Reader.QueryRowContext(ctx, `SELECT count(*) FROM accounts`).Scan(&count); err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return count, nil
}

// DeleteAccount removes an account with its sessions and second factor; never the last one.
func (l Ledger) DeleteAccount(ctx context.Context, id int64) error {
	err := l.Writer.ExecRow(ctx, `DELETE FROM accounts WHERE id = ? AND (SELECT count(*) FROM accounts) > 1`, id)
	return sqlite.Failure(err, "delete account %d", id)
}

// UpdateLogin records when the account last signed in.
func (l Ledger) UpdateLogin(ctx context.Context, id int64, at time.Time) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `UPDATE accounts SET login_at = ? WHERE id = ?`, sqlite.Micros(at), id), "update login of account %d", id)
}

// UpdateDeclined records that the account wants to hear no more of a second factor.
func (l Ledger) UpdateDeclined(ctx context.Context, id int64) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `UPDATE accounts SET declined = 1 WHERE id = ?`, id), "update account %d", id)
}

// UpdatePassword sets the password and ends every session of the account.
func (l Ledger) UpdatePassword(ctx context.Context, id int64, hash string, mustChange bool) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		var found int64
		err := tx.QueryRowContext(ctx, `
UPDATE accounts SET password_hash = ?, must_change = ? WHERE id = ? RETURNING id`, hash, mustChange, id).Scan(&found)
		if err != nil {
			return sqlite.OrNotFound(err)
		}
		_, err = tx.ExecContext(ctx, deleteSessionsOf, found)
		return err
	})
	return sqlite.Failure(err, "update password of account %d", id)
}

func scanAccount(columns sqlite.Row) (a account.Account, err error) {
	err = columns.Scan(&a.ID, &a.Name, &a.PasswordHash, &a.MustChange, sqlite.TimeInto(&a.CreatedAt), sqlite.TimeInto(&a.LoginAt),
		&a.Declined, &a.SecondFactor, &a.RecoveryCodes)
	return a, err
}
