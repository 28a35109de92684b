package sqlite

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// IsTaken reports whether a key or unique index refused the row. SQLite tells which
// one by text alone, so each INSERT of the ledger can break only one by what its
// caller gives.
func IsTaken(err error) bool {
	refusal, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return false
	}
	return refusal.ExtendedCode == sqlite3.ErrConstraintPrimaryKey ||
		refusal.ExtendedCode == sqlite3.ErrConstraintUnique
}

// IsRefusedByTrigger reports whether a trigger refused the row. As with IsTaken, an
// INSERT of the ledger can meet one such trigger only.
func IsRefusedByTrigger(err error) bool {
	refusal, ok := errors.AsType[sqlite3.Error](err)
	return ok && refusal.ExtendedCode == sqlite3.ErrConstraintTrigger
}
