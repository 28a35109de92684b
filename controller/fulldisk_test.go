package controller_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
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

func TestFullDisk_BelowTheFloorNewThingsAreRefusedAndAllElseGoesOn(t *testing.T) {
	t.Parallel()
	h := emptyHouse(t)
	storetest.Put(t, h.folder)
	var full atomic.Bool
	h.noRoom = func() error {
		if full.Load() {
			return problem.Full("The server's disk is nearly full.", "Free space.")
		}
		return nil
	}
	h.open()
	h.deploy("hello")
	h.update("hello")
	waiting := h.good()
	full.Store(true)

	_, err := h.Receive(strings.NewReader("an archive"))
	if problem.KindOf(err) != problem.KindFull {
		t.Errorf("an upload: %v", err)
	}
	if _, err := h.AcceptUpdate(t.Context(), "hello", waiting, "test"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("a build of what was received before: %v", err)
	}
	if _, err := h.AcceptImage(t.Context(), "hello", "postgres:17", "test"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("an image to pull: %v", err)
	}
	waiting.Discard()

	if running := h.engine.names(); len(running) == 0 {
		t.Error("the app does not run any more")
	}
	release, err := h.Rollback(t.Context(), "hello", 1, "test")
	if err != nil {
		t.Fatalf("a rollback: %v", err)
	}
	if ended := h.wait(release.ReleaseID); ended.State != app.ReleaseLive {
		t.Errorf("the rollback is %s: %s", ended.State, ended.Reason)
	}
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Errorf("a stop: %v", err)
	}
	if err := h.Start(t.Context(), "hello"); err != nil {
		t.Errorf("a start: %v", err)
	}
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Errorf("a deletion: %v", err)
	}
}
