package store

import (
	"context"
	"database/sql"
	"fmt"

	"berth/controller"
)

const selectAccounts = `SELECT id, name, password_hash, must_change, created_at FROM accounts`

// CreateAccount stores an account and gives it its id.
func (s *Store) CreateAccount(ctx context.Context, account controller.Account) (controller.Account, error) {
	account.CreatedAt = stored(account.CreatedAt)
	err := s.writer.QueryRowContext(ctx, `
INSERT INTO accounts (name, password_hash, must_change, created_at) VALUES (?, ?, ?, ?) RETURNING id`,
		account.Name, account.PasswordHash, account.MustChange, micros(account.CreatedAt)).Scan(&account.ID)
	if isTaken(err) {
		err = controller.ErrNameTaken
	}
	if err != nil {
		return controller.Account{}, fmt.Errorf("create account %s: %w", account.Name, err)
	}
	return account, nil
}

// FindAccount returns the account of that id.
func (s *Store) FindAccount(ctx context.Context, id int64) (controller.Account, error) {
	account, err := scanAccount(s.reader.QueryRowContext(ctx, selectAccounts+` WHERE id = ?`, id))
	if err != nil {
		return controller.Account{}, fmt.Errorf("find account %d: %w", id, orNotFound(err))
	}
	return account, nil
}

// FindAccountByName returns the account of that name.
func (s *Store) FindAccountByName(ctx context.Context, name string) (controller.Account, error) {
	account, err := scanAccount(s.reader.QueryRowContext(ctx, selectAccounts+` WHERE name = ?`, name))
	if err != nil {
		return controller.Account{}, fmt.Errorf("find account %.60q: %w", name, orNotFound(err))
	}
	return account, nil
}

// UpdatePassword sets the password and ends every session of the account.
func (s *Store) UpdatePassword(ctx context.Context, id int64, hash string, mustChange bool) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		var found int64
		err := tx.QueryRowContext(ctx, `
UPDATE accounts SET password_hash = ?, must_change = ? WHERE id = ? RETURNING id`, hash, mustChange, id).Scan(&found)
		if err != nil {
			return orNotFound(err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE account = ?`, found)
		return err
	})
	if err != nil {
		return fmt.Errorf("update password of account %d: %w", id, err)
	}
	return nil
}

func scanAccount(columns row) (a controller.Account, err error) {
	err = columns.Scan(&a.ID, &a.Name, &a.PasswordHash, &a.MustChange, timeColumn{&a.CreatedAt})
	return a, err
}
