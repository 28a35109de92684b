package controller_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// newWatched is a house with a quota and a disk, whose apps hello and other write into
// the volumes data and logs, as release 2 each.
func newWatched(t *testing.T, quota int64, disk docker.Disk, before ...func(*house)) *house {
	t.Helper()
	h := newHouse(t)
	for app, name := range map[string]volume.Name{"hello": "data", "other": "logs"} {
		h.volume(name)
		h.deploy(app)
		h.mount(app, written(name))
	}
	for _, prepare := range before { // nothing is watched yet, so that no look comes in between
		prepare(h)
	}
	h.stop()
	h.quota, h.disk = quota, disk
	h.open()
	return h
}

// overBefore makes the volume data larger than 1 MB, and older than the ledger's quotas.
func overBefore(h *house) {
	h.t.Helper()
	h.keeper.Age("data", time.Now().Add(-time.Hour))
	h.fill("data", "much", 2<<20)
}

// fill writes a file into a volume, as an app does.
func (h *house) fill(name volume.Name, file string, bytes int) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.keeper.Folder(name), file), make([]byte, bytes), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// look is a look of the watch, so much later than the ones that come by themselves.
func (h *house) look(later time.Duration) {
	h.t.Helper()
	if err := h.Volumes().Look(h.t.Context(), time.Now().Add(later)); err != nil {
		h.t.Fatal(err)
	}
}

// wantState waits until the app is in the state, and returns what its page says of it.
func (h *house) wantState(name app.Name, state app.State) (detail string) {
	h.t.Helper()
	h.eventually(string(name)+" to be "+string(state), func() bool {
		app, err := h.App(h.t.Context(), name)
		if err != nil {
			h.t.Fatal(err)
		}
		detail = app.Observed.Detail
		return app.Observed.State == state
	})
	return detail
}

func TestVolumeWatch_StopsOnlyWhoWritesOverTheQuotaAndSaysSo(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	h.look(time.Hour)
	h.wantState("hello", app.Running)
	h.fill("data", "much", 2<<20)
	h.audit.taken()
	h.look(2 * time.Hour)

	const reason = "The volume data holds 2 MB of 1 MB."
	if detail := h.wantState("hello", app.Stopped); !strings.HasPrefix(detail, reason) {
		t.Errorf("the app's page says %q", detail)
	}
	h.wantState("other", app.Running)
	if stopped := h.engine.stopped.get(); !slices.Contains(stopped, "berth-hello-r2") || slices.Contains(stopped, "berth-other-r2") {
		t.Errorf("stopped were %v", stopped)
	}
	if taken := strings.Join(h.audit.taken(), "\n"); !strings.Contains(taken, "APP_STOP app hello true by Berth: "+reason) {
		t.Errorf("recorded was %q", taken)
	}
	if err := h.Start(t.Context(), "hello"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("started without room: %v", err)
	}
	h.stop()
	h.open()
	if detail := h.wantState("hello", app.Stopped); !strings.HasPrefix(detail, reason) {
		t.Errorf("after a restart the app's page says %q", detail)
	}
}

func TestVolumeWatch_TellsWhatWasWrittenUntilTheAppHadStopped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		write func(*house)
		want  string
	}{
		{"more", func(h *house) { h.fill("data", "more", 3<<20) }, "The volume data holds 5 MB of 1 MB."},
		{"less", func(h *house) { h.fill("data", "much", 512<<10) }, "There is room in the volume data again: it holds 512 kB of 1 MB. Start the app."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newWatched(t, 1<<20, docker.Disk{})
			h.fill("data", "much", 2<<20)
			h.engine.door.set(func(call string) {
				if call == "before start or stop" {
					test.write(h)
				}
			})
			h.look(time.Hour)
			if detail := h.wantState("hello", app.Stopped); !strings.HasPrefix(detail, test.want) {
				t.Errorf("the app's page says %q", detail)
			}
		})
	}
}

func TestVolumeWatch_APersonStartsTheAppAgainOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	h.fill("data", "much", 2<<20)
	h.look(time.Hour)
	h.wantState("hello", app.Stopped)
	if err := h.Restart(t.Context(), "hello"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("restarted without room: %v", err)
	}
	files, err := h.Volumes().Change(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(files.Remove("much"), files.Close()); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if detail := h.wantState("hello", app.Running); detail != "" {
		t.Errorf("the page of the app that runs says %q", detail)
	}
}

func TestVolumeWatch_NearlyFullDiskStopsTheWriterThatGrewMostAndNoOther(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(100 << 20)
	h := newWatched(t, 0, docker.Disk{Reserve: 40 << 20, Free: func() (uint64, error) { return free.Load(), nil }})
	h.fill("logs", "old", 8<<20) // much, but no growth
	h.look(time.Hour)
	h.fill("data", "new", 4<<20)
	h.fill("logs", "new", 2<<20)
	free.Store(10 << 20)
	h.look(time.Hour + time.Minute)

	if detail := h.wantState("hello", app.Stopped); !strings.Contains(detail, "disk is nearly full") || !strings.Contains(detail, "volume data") {
		t.Errorf("the app's page says %q", detail)
	}
	h.look(time.Hour + time.Minute + time.Second)
	h.look(time.Hour + 2*time.Minute) // nothing grows any more
	h.wantState("other", app.Running)
}

func TestVolumeWatch_RemovesWhatAnUploadThatWasKilledHasLeft(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	left := filepath.Join(h.keeper.Folder("data"), ".berth-upload-DEAD")
	if err := os.MkdirAll(filepath.Join(left, "tree"), 0o700); err != nil {
		t.Fatal(err)
	}
	h.look(time.Hour)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}
