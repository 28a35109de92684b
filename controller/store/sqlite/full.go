package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// spareTries is how often a write that finds the disk full is tried again.
const spareTries = 4

// Writer is the connection that writes. Its errors are as NoRoom has them.
type Writer struct {
	*sql.DB

	// Spare gives up some room that was kept for the ledger, and reports whether there was
	// any: then a write that found the disk full is tried again. Nil where none is kept.
	Spare func() bool
}

// ExecContext runs one statement.
func (w Writer) ExecContext(ctx context.Context, statement string, arguments ...any) (result sql.Result, err error) {
	err = w.insist(func() (err error) {
		result, err = w.DB.ExecContext(ctx, statement, arguments...)
		return NoRoom(err)
	})
	return result, err
}

// Transact runs work in one transaction, which holds the write lock from its beginning:
// what work reads stays true until the commit. Work runs again if the disk was full and
// room could be made.
func (w Writer) Transact(ctx context.Context, work func(*sql.Tx) error) error {
	return w.insist(func() error { return w.transact(ctx, work) })
}

// insist repeats a write that found the disk full, while there is room to give up.
func (w Writer) insist(write func() error) error {
	err := write()
	for try := 0; try < spareTries && errors.Is(err, syscall.ENOSPC) && w.Spare != nil && w.Spare(); try++ {
		err = write()
	}
	return err
}

func (w Writer) transact(ctx context.Context, work func(*sql.Tx) error) error {
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
