package controller_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

// newWriting is a house with a quota whose app hello may write to its own file system.
func newWriting(t *testing.T) (h *house, instance string) {
	t.Helper()
	h = newHouse(t)
	h.stop()
	h.quota = 1 << 20
	h.open()
	h.deploy("hello")
	settings := app.DefaultSettings()
	settings.WritableRoot = true
	h.updateSettings("hello", settings)
	h.deploy("other")
	return h, "berth-hello-r2"
}

func TestVolumeWatch_StopsAnAppThatFillsItsOwnFileSystem(t *testing.T) {
	t.Parallel()
	h, instance := newWriting(t)
	h.engine.layers.put("berth-other-r1", 2<<20) // read-only: the engine is not asked
	h.look(time.Hour)
	h.wantState("hello", app.Running)
	h.engine.layers.put(instance, 2<<20)
	h.look(2 * time.Hour)

	const reason = "The app has written 2 MB of 1 MB into its own file system. Let it write into a volume, and update or roll it back: a new release begins with an empty file system."
	if detail := h.wantState("hello", app.Stopped); detail != reason {
		t.Errorf("the app's page says %q", detail)
	}
	h.wantState("other", app.Running)
	err := h.Start(t.Context(), "hello")
	if fault, _ := errors.AsType[*problem.Problem](err); fault == nil || fault.Kind != problem.KindFull || !strings.HasPrefix(reason, fault.Message) {
		t.Errorf("started without room: %v", err)
	}
	h.update("hello")
	h.look(3 * time.Hour)
	if detail := h.wantState("hello", app.Running); detail != "" {
		t.Errorf("the page of the app that runs says %q", detail)
	}
}

func TestVolumeWatch_NearlyFullDiskStopsTheAppWhoseOwnFileSystemGrewMost(t *testing.T) {
	t.Parallel()
	h, instance := newWriting(t)
	h.stop()
	free := uint64(100 << 20)
	h.quota, h.disk = 0, docker.Disk{Reserve: 40 << 20, Free: func() (uint64, error) { return free, nil }}
	h.open()
	h.volume("logs")
	h.mount("other", written("logs"))
	h.look(time.Hour)
	h.fill("logs", "new", 2<<20)
	h.engine.layers.put(instance, 4<<20)
	h.stop()
	free = 10 << 20
	h.open()
	h.look(2 * time.Hour)
	h.engine.layers.put(instance, 8<<20)
	h.look(2*time.Hour + time.Minute)
	if detail := h.wantState("hello", app.Stopped); !strings.Contains(detail, "the app's own file system grew most") {
		t.Errorf("the app's page says %q", detail)
	}
	h.wantState("other", app.Running)
}

func TestVolumeWatch_AFileSystemThatIsNotMeasuredInTimeIsLeftAloneForLong(t *testing.T) {
	t.Parallel()
	h, instance := newWriting(t)
	asked := 0
	h.engine.onLayer.set(func(string) error { asked++; return errors.New("too slow") })
	for minute := range 9 {
		h.look(time.Hour + time.Duration(minute)*time.Minute)
	}
	if asked != 1 {
		t.Errorf("the engine was asked %d times for %s", asked, instance)
	}
	h.wantState("hello", app.Running)
}
