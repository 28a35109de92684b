package store_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/problem"
	"berth/controller/room"
	"berth/test/smalldisk"
)

func TestStore_WritesOnAFullDiskFromTheRoomThatWasKeptForIt(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 80<<20)
	ledger := open(t, filepath.Join(folder, "berth.db"))
	createApp(t, ledger, "hello", "/hello")
	reserve := room.ReserveIn(folder)
	must(t, reserve.Keep(room.Of(folder)))
	kept := audit.NewLog(audit.Options{
		Ledger: ledger, Key: []byte("a key of the audit log for tests"), File: filepath.Join(folder, "audit.log"), Logger: slog.New(slog.DiscardHandler),
	})
	kept.Record(t.Context(), audit.Event{Action: audit.ActionAppCreate, Success: true})
	free := smalldisk.Fill(t, folder)

	for i := range 100 {
		must(t, ledger.UpdateObserved(t.Context(), "hello", app.Observed{State: app.Down, Detail: strings.Repeat("x", 8000+i), At: noon}))
		must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped))
		kept.Record(t.Context(), audit.Event{Action: audit.ActionAppStop, Success: true, Detail: strings.Repeat("y", 200)})
	}
	if reserve.Bytes() == 8<<20 {
		t.Error("nothing of the reserve was given up: the disk was not full")
	}
	if verdict, err := kept.Verify(t.Context()); err != nil || !verdict.Whole() || verdict.Entries != 101 || verdict.Lines != 101 {
		t.Errorf("%+v, %v", verdict, err)
	}

	for reserve.Give() {
	}
	again := smalldisk.Fill(t, folder)
	var err error
	for i := 0; i < 2000 && err == nil; i++ { // the -wal file may have room of its own
		err = ledger.UpdateObserved(t.Context(), "hello", app.Observed{State: app.Down, Detail: strings.Repeat("x", 8000+i), At: noon})
	}
	if !problem.IsDiskFull(err) {
		t.Errorf("without any room left: %v", err)
	}
	again()
	_ = free
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedRunning))
}

func TestStore_OpensOnAFullDiskFromTheRoomThatWasKept(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 80<<20)
	must(t, room.ReserveIn(folder).Keep(room.Of(folder)))
	smalldisk.Fill(t, folder)
	ledger := open(t, filepath.Join(folder, "berth.db"))
	createApp(t, ledger, "hello", "/hello")
}
