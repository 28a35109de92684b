package store_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"berth/controller/store"
)

func TestOpen_SetsThePragmasOfTheWriter(t *testing.T) {
	t.Parallel()
	writer, _ := fresh(t).Pools()
	connection, err := writer.Conn(t.Context())
	must(t, err)
	defer connection.Close()
	wantPragmas(t, connection, map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1",
		"secure_delete": "1", "trusted_schema": "0", "busy_timeout": "5000",
	})
}

func TestOpen_SetsThePragmasOfEveryReader(t *testing.T) {
	t.Parallel()
	_, reader := fresh(t).Pools()
	for range store.Readers {
		connection, err := reader.Conn(t.Context())
		must(t, err)
		defer connection.Close() // only at the end, so that each is another one
		wantPragmas(t, connection, map[string]string{
			"query_only": "1", "trusted_schema": "0", "busy_timeout": "5000",
		})
		if _, err := connection.ExecContext(t.Context(), `DELETE FROM apps`); err == nil {
			t.Error("a reader wrote")
		}
	}
}

func TestStore_StopsWhenItsContextEndsAndGoesOnAfterwards(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ledger.CreateApp(ended, newApp("hello", "/hello"), newRelease())
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want the end of the context, got %v", err)
	}
	createApp(t, ledger, "hello", "/hello")
}

func wantPragmas(t *testing.T, connection *sql.Conn, want map[string]string) {
	t.Helper()
	for pragma, wanted := range want {
		var got string
		must(t, connection.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
		if got != wanted {
			t.Errorf("%s is %s, want %s", pragma, got, wanted)
		}
	}
}
