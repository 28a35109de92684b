package controller_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/volume"
)

var (
	nobody  = volume.Owner{User: 65534, Group: 65534}
	another = volume.Owner{User: 1000, Group: 1000}
)

// uploaded puts a file into a volume, as somebody does before an app mounts it.
func (h *house) uploaded(name volume.Name) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.keeper.Folder(name), "file"), []byte("x"), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) wantOwner(name volume.Name, want volume.Owner) {
	h.t.Helper()
	if got := h.keeper.Owner(name); got != want {
		h.t.Errorf("the volume %s belongs to %+v, want %+v", name, got, want)
	}
}

func TestHandOver_WhatWasUploadedBeforeTheFirstMountBecomesTheAppsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.uploaded("data")
	h.engine.user.set("1000:1000")
	h.deploy("hello")
	release := h.mount("hello", written("data"))
	h.wantOwner("data", another)
	if log := h.logOf(release.ReleaseID); release.State != app.ReleaseLive || !strings.Contains(log, "giving it to 1000") || !strings.Contains(log, "with 1 files and folders") {
		t.Errorf("%s: %s", release.State, log)
	}
}

func TestHandOver_ReadersTakeNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.uploaded("data")
	h.engine.user.set("1000:1000")
	h.deploy("hello")
	mounts := written("data")
	mounts[0].ReadOnly = true
	h.mount("hello", mounts)
	h.wantOwner("data", nobody)
}

func TestHandOver_WhatSeveralAppsMountStaysAndIsSaidSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.deploy("first")
	h.mount("first", written("data"))
	h.uploaded("data")
	h.engine.user.set("1000:1000")
	h.deploy("second")
	release := h.mount("second", written("data"))
	h.wantOwner("data", nobody)
	if log := h.logOf(release.ReleaseID); !strings.Contains(log, "because first has it too") {
		t.Errorf("the log does not say so: %s", log)
	}
}

func TestHandOver_FailedReleaseOfAnotherUserGivesTheVolumeBack(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	h.uploaded("data")
	h.engine.user.set("1000:1000")
	h.engine.onStart.set(func(docker.StartOptions) error {
		h.wantOwner("data", another)
		return &docker.StartError{Message: "No.", Err: io.EOF}
	})
	if release := h.update("hello"); release.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", release)
	}
	h.eventually("the volume is given back", func() bool { return h.keeper.Owner("data") == nobody })
	h.eventually("the old instance runs again", func() bool {
		old, err := h.engine.Inspect(t.Context(), "berth-hello-r2")
		return err == nil && old.Condition.Running
	})
}

func TestHandOver_AppThatIsRootInsideIsLeftToItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.uploaded("data")
	h.deploy("db")
	loose := app.DefaultSettings()
	loose.Database = true
	h.updateSettings("db", loose)
	h.mount("db", written("data"))
	h.wantOwner("data", nobody)
}
