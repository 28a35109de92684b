package router

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"berth/controller/limit"
	"berth/controller/store"
)

// emptyLedger is the file of a ledger with its whole schema and nothing in it.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
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

// freshLedger is a real one, which costs no migration.
func freshLedger(t testing.TB) *store.Store {
	t.Helper()
	content, err := emptyLedger()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "berth.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	return ledger
}

func openLimits(t testing.TB, ledger limit.Ledger, now func() time.Time, budgets limit.Budgets) *limit.Limiter {
	t.Helper()
	limits, err := limit.Open(t.Context(), limit.Options{Ledger: ledger, Budgets: budgets, Logger: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return limits
}
