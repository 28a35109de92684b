// Package storetest gives tests a ledger that costs no migration.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"berth/controller/store"
)

// empty is the file of a ledger with its whole schema and nothing in it.
var empty = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "berth-ledger-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "berth.db")
	ledger, err := store.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := ledger.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Put puts a new ledger into the folder, as berth.db, and returns its path.
func Put(t testing.TB, folder string) (path string) {
	t.Helper()
	content, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(folder, "berth.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
