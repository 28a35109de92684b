// Package people keeps who may sign in, and with what, in the SQLite ledger.
package people

import (
	"database/sql"

	"berth/controller/account"
	"berth/controller/store/sqlite"
)

// Ledger implements the ledgers of package account.
type Ledger struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

var (
	_ account.Ledger             = Ledger{}
	_ account.SessionLedger      = Ledger{}
	_ account.TokenLedger        = Ledger{}
	_ account.KeyLedger          = Ledger{}
	_ account.SecondFactorLedger = Ledger{}
)
