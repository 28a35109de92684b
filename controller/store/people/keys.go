package people

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"berth/controller/account"
	"berth/controller/store/sqlite"
)

const selectKeys = `
SELECT k.id, k.name, k.kind, k.public, k.account, a.name, k.created_at, k.used_at, k.used_from
FROM ssh_keys k JOIN accounts a ON a.id = k.account`

// CreateKey stores an SSH key and gives it its id.
func (l Ledger) CreateKey(ctx context.Context, key account.Key, most int) (made account.Key, err error) {
	err = l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		var count int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM ssh_keys WHERE account = ?`, key.Account).Scan(&count); err != nil {
			return err
		}
		if count >= most {
			return account.ErrTooManyKeys
		}
		var id int64
		err := tx.QueryRowContext(ctx, `
INSERT INTO ssh_keys (account, name, kind, public, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id`,
			key.Account, key.Name, key.Kind, key.Public, sqlite.Micros(key.CreatedAt)).Scan(&id)
		if sqlite.IsTaken(err) {
			return account.ErrKeyTaken
		}
		if err != nil {
			return err
		}
		made, err = scanKey(tx.QueryRowContext(ctx, selectKeys+` WHERE k.id = ?`, id))
		return err
	})
	return made, sqlite.Failure(err, "create ssh key")
}

// Keys returns every SSH key, the newest first.
func (l Ledger) Keys(ctx context.Context) ([]account.Key, error) {
	rows, err := l.Reader.QueryContext(ctx, selectKeys+` ORDER BY k.id DESC`)
	keys, err := sqlite.Collect(rows, err, scanKey)
	return keys, sqlite.Failure(err, "list ssh keys")
}

// FindKey returns the SSH key with that public half.
func (l Ledger) FindKey(ctx context.Context, public []byte) (account.Key, error) {
	key, err := scanKey(l.Reader.QueryRowContext(ctx, selectKeys+` WHERE k.public = ?`, public))
	if err != nil {
		return account.Key{}, fmt.Errorf("find ssh key: %w", sqlite.OrNotFound(err))
	}
	return key, nil
}

// DeleteKey removes an SSH key and returns it.
func (l Ledger) DeleteKey(ctx context.Context, id int64) (key account.Key, err error) {
	err = l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if key, err = scanKey(tx.QueryRowContext(ctx, selectKeys+` WHERE k.id = ?`, id)); err != nil {
			return sqlite.OrNotFound(err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM ssh_keys WHERE id = ?`, id)
		return err
	})
	return key, sqlite.Failure(err, "delete ssh key %d", id)
}

// RecordKeyUse keeps the last use of an SSH key.
func (l Ledger) RecordKeyUse(ctx context.Context, id int64, at time.Time, from string) error {
	err := l.Writer.ExecRow(ctx, `UPDATE ssh_keys SET used_at = ?, used_from = ? WHERE id = ?`, sqlite.Micros(at), from, id)
	return sqlite.Failure(err, "record use of ssh key %d", id)
}

func scanKey(columns sqlite.Row) (k account.Key, err error) {
	err = columns.Scan(&k.ID, &k.Name, &k.Kind, &k.Public, &k.Account, &k.AccountName,
		sqlite.TimeInto(&k.CreatedAt), sqlite.TimeInto(&k.UsedAt), &k.UsedFrom)
	return k, err
}
