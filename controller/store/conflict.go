package store

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// isTaken reports whether a key or unique index refused the row. SQLite tells which
// one by text alone, so each INSERT of this package can break only one by what its
// caller gives.
func isTaken(err error) bool {
	refusal, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return false
	}
	return refusal.ExtendedCode == sqlite3.ErrConstraintPrimaryKey ||
		refusal.ExtendedCode == sqlite3.ErrConstraintUnique
}

// isRefusedByTrigger reports whether a trigger refused the row. As with isTaken, an
// INSERT of this package can meet one such trigger only.
func isRefusedByTrigger(err error) bool {
	refusal, ok := errors.AsType[sqlite3.Error](err)
	return ok && refusal.ExtendedCode == sqlite3.ErrConstraintTrigger
}
