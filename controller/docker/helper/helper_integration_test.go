//go:build integration

package helper

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/volume"
	"berth/test/patience"
)

// openTest returns the helpers of a stack that is removed when the test ends.
func openTest(t *testing.T, stack string) *Helpers {
	t.Helper()
	reached, err := link.Open(dockertest.Host(), stack, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reached.Close() })
	return New(reached, dockertest.Helper(t))
}

func (h *Helpers) mustList(t *testing.T) []container.Summary {
	t.Helper()
	found, err := h.link.API(t.Context()).ContainerList(t.Context(),
		container.ListOptions{All: true, Filters: h.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A process that is killed closes its connections, and does nothing more.
func TestOpenVolume_DeathOfTheControllerLeavesNoHelper(t *testing.T) {
	helpers, name := openTest(t, dockertest.Stack(t)), volume.Name("data")
	if err := helpers.CreateVolume(t.Context(), name, ""); err != nil {
		t.Fatal(err)
	}
	h := &helper{helpers: openTest(t, helpers.link.Stack), volume: name, access: ReadWrite}
	if err := h.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	session := volume.NewSession(h.output(t.Context()), h.connection.Conn, nil)
	if _, err := session.Write(volume.WriteOptions{Path: "whole", Limit: 1 << 20}, strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	h.connection.Close()
	if !patience.Eventually(20*time.Second, func() bool { return len(helpers.mustList(t)) == 0 }) {
		t.Fatal("gave up waiting until the helper is gone by itself")
	}

	abandon(t, helpers, name)
	if err := helpers.RemoveHelpers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := helpers.mustList(t); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	if err := helpers.RemoveVolume(t.Context(), name); err != nil {
		t.Error(err)
	}
}

// A session in a folder that both have goes on there, and ends with this process too.
func TestOpenVolume_BytesDoNotGoThroughTheEngine(t *testing.T) {
	helpers, name := openTest(t, dockertest.Stack(t)), volume.Name("data")
	api := helpers.link.API(t.Context())
	made, err := api.VolumeCreate(t.Context(), volumetypes.CreateOptions{
		Name: helpers.link.TransferName(), Labels: map[string]string{link.LabelStack: helpers.link.Stack, link.LabelRole: link.RoleTransfer},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.VolumeRemove(context.WithoutCancel(t.Context()), made.Name, true) })
	if _, err := os.ReadDir(made.Mountpoint); err != nil {
		t.Skipf("only root of the engine's machine reaches the folder: %v", err)
	}
	helpers.Transfer = made.Mountpoint
	if err := helpers.CreateVolume(t.Context(), name, ""); err != nil {
		t.Fatal(err)
	}
	session, err := helpers.OpenVolume(t.Context(), name, ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Write(volume.WriteOptions{Path: "whole", Limit: 1 << 20}, strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	if session, err = helpers.OpenVolume(ctx, name, ReadOnly); err != nil {
		t.Fatal(err)
	}
	if entry, err := session.Find("whole"); err != nil || entry.Size != 4 {
		t.Errorf("found %+v, %v", entry, err)
	}
	if left, err := os.ReadDir(made.Mountpoint); err != nil || len(left) > 0 {
		t.Errorf("left in the folder of sockets: %v, %v", left, err)
	}
	end()
	if _, err := session.Find("whole"); err == nil {
		t.Error("the session outlives its context")
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if !patience.Eventually(20*time.Second, func() bool { return len(helpers.mustList(t)) == 0 }) {
		t.Fatal("gave up waiting until the helper is gone")
	}
	if err := helpers.RemoveVolume(t.Context(), name); err != nil {
		t.Error(err)
	}
}

// abandon creates a helper that has the volume, and does not start it.
func abandon(t *testing.T, helpers *Helpers, name volume.Name) {
	t.Helper()
	image, err := helpers.HelperImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = helpers.link.API(t.Context()).ContainerCreate(t.Context(),
		&container.Config{Image: image, Labels: map[string]string{link.LabelStack: helpers.link.Stack, link.LabelRole: link.RoleHelper}},
		&container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{{
			Type: mount.TypeVolume, Source: helpers.link.VolumeName(name), Target: HelperFolder,
		}}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
}
