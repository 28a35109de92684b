//go:build integration

package helper

import (
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

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
