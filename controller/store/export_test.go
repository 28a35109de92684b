package store

import (
	"database/sql"

	"berth/controller/store/sqlite"
)

// The statements whose query plans are tested.
const (
	SelectTable    = selectTable
	SelectUnderWay = selectUnderWay
	SelectLatest   = selectLatest
)

// Readers is the size of the read-only pool.
const Readers = sqlite.Readers

// Pools gives the connections whose settings are tested.
func (s *Store) Pools() (writer, reader *sql.DB) { return s.writer.DB, s.reader }
