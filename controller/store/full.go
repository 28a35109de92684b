package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// writer is the connection that writes. Its errors are as noRoom has them.
type writer struct{ *sql.DB }

// ExecContext runs one statement.
func (w writer) ExecContext(ctx context.Context, statement string, arguments ...any) (sql.Result, error) {
	result, err := w.DB.ExecContext(ctx, statement, arguments...)
	return result, noRoom(err)
}

// noRoom makes what SQLite says of a disk without room syscall.ENOSPC as well, as it is
// for whoever writes a file.
func noRoom(err error) error {
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
