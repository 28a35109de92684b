package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/problem"
)

// ExecRow runs one statement that changes one row, and returns problem.ErrNotFound where
// there is none.
func (w Writer) ExecRow(ctx context.Context, statement string, arguments ...any) error {
	return OneRow(w.ExecContext(ctx, statement, arguments...))
}

// OneRow makes a statement that changed no row problem.ErrNotFound.
func OneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if changed == 0 {
		return problem.ErrNotFound
	}
	return nil
}

// OrNotFound names the missing row in the controller's word.
func OrNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return problem.ErrNotFound
	}
	return err
}
