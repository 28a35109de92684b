package sqlite

import (
	"database/sql"
	"net/url"
)

// OpenLoose opens the one connection that writes a file which may lose its last moments
// with the power, but does not break: samples are not worth a sync to disk each.
func OpenLoose(path string) (*sql.DB, error) {
	pool, err := openPool(path, url.Values{
		"mode":          {"rw"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"NORMAL"},
		"_txlock":       {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}
