// Package growth removes from the SQLite ledger what is kept for a time, and counts it.
package growth

import (
	"database/sql"

	"berth/controller/store/sqlite"
)

// Ledger is the part of the ledger that grows by itself.
type Ledger struct {
	Writer sqlite.Writer
	Reader *sql.DB
}
