// Package sqlite opens the ledger's file: private to its user, durable, and with one connection that writes.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	// Readers is how many pages can be read at the same moment; one read takes
	// far less than a millisecond.
	Readers = 4 + 1 // one is kept by the overview
	// busyTimeout bounds the wait for another process that writes, such as a
	// command run by hand beside the server.
	busyTimeout = 5 * time.Second
	// keptStatements is above the number of statements in package store, so each
	// is compiled once per connection.
	keptStatements = 128
)

// OpenWriter opens the one connection that writes. What it has committed survives a loss
// of power.
func OpenWriter(path string) (*sql.DB, error) {
	pool, err := openPool(path, url.Values{
		"mode":          {"rw"},
		"_journal_mode": {"WAL"},
		// In WAL mode NORMAL would lose the last commits with the power. A promoted
		// release must not be forgotten after its predecessor is gone.
		"_synchronous":   {"FULL"},
		"_foreign_keys":  {"on"},
		"_secure_delete": {"on"}, // sessions and hashes are overwritten, not only unlinked
		// A transaction that begins as a reader cannot become the writer once
		// another process has written.
		"_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}

// OpenReader opens the connections that read; none of them can write.
func OpenReader(path string) (*sql.DB, error) {
	pool, err := openPool(path, url.Values{"mode": {"ro"}, "_query_only": {"on"}})
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(Readers)
	pool.SetMaxIdleConns(Readers)
	return pool, nil
}

func openPool(path string, options url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find ledger: %w", err)
	}
	options.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	options.Set("_stmt_cache_size", strconv.Itoa(keptStatements))
	name := url.URL{Scheme: "file", Path: absolute, RawQuery: options.Encode()}
	return sql.OpenDB(connector(name.String())), nil
}

// connector opens connections to the data source that it names. It stands for
// sql.Open, which would need a name in the process-wide register of drivers to
// reach the connect hook.
type connector string

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(string(c)) }

// Driver returns the driver of the connections.
func (connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{ConnectHook: distrustSchema} }

// distrustSchema keeps a file that somebody tampered with from calling functions
// with side effects out of its schema. The data source name has no key for it.
func distrustSchema(connection *sqlite3.SQLiteConn) error {
	if _, err := connection.Exec("PRAGMA trusted_schema = OFF", nil); err != nil {
		return fmt.Errorf("distrust schema: %w", err)
	}
	return nil
}
