package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/test/smalldisk"
)

func TestStore_AFullDiskIsToldAsOneAndNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 2<<20)
	ledger := open(t, filepath.Join(folder, "berth.db"))
	createApp(t, ledger, "hello", "/hello")
	free := smalldisk.Fill(t, folder)

	var err error
	for i := 0; i < 1000 && err == nil; i++ { // the -wal file may have room of its own
		err = ledger.UpdateObserved(t.Context(), "hello", app.Observed{State: app.Down, Detail: strings.Repeat("x", 8000+i), At: noon})
	}
	if !problem.IsDiskFull(err) {
		t.Fatalf("a write on a full disk: %v", err)
	}
	if _, err := ledger.CreateAccount(t.Context(), account.Account{Name: "eve", PasswordHash: strings.Repeat("h", 3_000_000), CreatedAt: noon}); !problem.IsDiskFull(err) {
		t.Errorf("an account on a full disk: %v", err)
	}
	if err := ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped); err == nil {
		t.Log("a small write still found room")
	} else if !problem.IsDiskFull(err) {
		t.Errorf("a transaction on a full disk: %v", err)
	}
	if _, err := ledger.FindApp(t.Context(), "hello"); err != nil {
		t.Errorf("a read on a full disk: %v", err)
	}

	free()
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped))
	found, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if found.Wanted != app.WantedStopped {
		t.Errorf("with room again, the app is wanted %s", found.Wanted)
	}
}
