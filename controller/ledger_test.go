package controller_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"berth/controller/store"
)

// emptyLedger is the file of a new ledger, for hundreds of tests that need no migration.
var emptyLedger = sync.OnceValues(func() (content []byte, err error) {
	folder, err := os.MkdirTemp("", "berth-ledger-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
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

// putLedger puts a new ledger into the folder.
func putLedger(t *testing.T, folder string) {
	t.Helper()
	content, err := emptyLedger()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "berth.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
