package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// Writer is the connection that writes. Its errors are as NoRoom has them.
type Writer struct{ *sql.DB }

// ExecContext runs one statement.
func (w Writer) ExecContext(ctx context.Context, statement string, arguments ...any) (sql.Result, error) {
	result, err := w.DB.ExecContext(ctx, statement, arguments...)
	return result, NoRoom(err)
}

// Transact runs work in one transaction, which holds the write lock from its beginning:
// what work reads stays true until the commit.
func (w Writer) Transact(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", NoRoom(err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := work(tx); err != nil {
		return NoRoom(err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", NoRoom(err))
	}
	return nil
}

// NoRoom makes what SQLite says of a disk without room syscall.ENOSPC as well, as it is
// for whoever writes a file.
func NoRoom(err error) error {
	failure, ok := errors.AsType[sqlite3.Error](err)
	if !ok || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	full := failure.Code == sqlite3.ErrFull || failure.SystemErrno == syscall.ENOSPC || failure.SystemErrno == syscall.EDQUOT
	if !full {
		return err
	}
	return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
}
