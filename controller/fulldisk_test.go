package controller_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/room"
	"berth/controller/store/storetest"
	"berth/controller/uploads"
	"berth/test/smalldisk"
)

// smallHouse is a house on a disk that a test can fill, with the ledger's reserve.
func smallHouse(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	smalldisk.MountOn(t, h.folder, 48<<20)
	storetest.Put(t, h.folder)
	if err := room.ReserveIn(h.folder).Keep(room.Of(h.folder)); err != nil {
		t.Fatal(err)
	}
	h.open()
	return h
}

// story deploys an app, updates and deletes it, with archives that were received before.
func (h *house) story(first, second *uploads.Archive) {
	h.t.Helper()
	route, err := h.Routing().ParseRoute("/hello")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, upload := range []controller.Upload{
		{Name: "hello", Route: route, Archive: first, By: "test"},
		{Name: "hello", Next: true, Archive: second, By: "test"},
	} {
		release, err := h.Accept(h.t.Context(), upload)
		if err != nil {
			h.t.Fatalf("accept: %v", err)
		}
		if ended := h.wait(release.ReleaseID); ended.State != app.ReleaseLive && ended.State != app.ReleaseFailed {
			h.t.Errorf("%s is %s", ended, ended.State)
		}
	}
	if err := h.Delete(h.t.Context(), "hello", "hello"); err != nil {
		h.t.Fatalf("delete: %v", err)
	}
	h.eventually("the app to be gone", func() bool {
		apps, err := h.Apps(h.t.Context())
		return err == nil && len(apps) == 0 && len(h.engine.names()) == 0
	})
}

// sound fails the test where the ledger is torn.
func (h *house) sound() {
	h.t.Helper()
	raw, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer raw.Close()
	var verdict string
	if err := raw.QueryRowContext(context.Background(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		h.t.Errorf("the ledger: %s, %v", verdict, err)
	}
}

func TestFullDisk_AtEveryCallOfAnUploadAReleaseAndADeletionTheLedgerRecords(t *testing.T) {
	t.Parallel()
	h := smallHouse(t)
	var mu sync.Mutex
	calls := 0
	h.engine.door.set(func(string) { mu.Lock(); calls++; mu.Unlock() })
	h.story(h.good(), h.good())
	h.stop()
	mu.Lock()
	all := calls
	mu.Unlock()
	if all < 10 {
		t.Fatalf("the story makes only %d calls", all)
	}
	for full := 1; full <= all; full += max(1, all/12) {
		h := smallHouse(t)
		first, second := h.good(), h.good()
		var once sync.Once
		count := 0
		h.engine.door.set(func(call string) {
			mu.Lock()
			count++
			reached := count >= full
			mu.Unlock()
			if reached {
				once.Do(func() { smalldisk.Fill(t, h.folder); t.Logf("full at call %d, %s", full, call) })
			}
		})
		h.story(first, second)
		h.engine.door.set(nil)
		h.stop()
		h.sound()
		if left := h.uploads(); len(left) != 0 {
			t.Errorf("full at call %d: uploads are left: %v", full, left)
		}
	}
}
