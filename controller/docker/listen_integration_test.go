//go:build integration

package docker

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

func TestListening_SeesThePortsOfTheInstanceAndLeavesNoHelper(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seen []netip.AddrPort
	err := engine.Listening(ctx, instance.Name, func(open []netip.AddrPort) {
		seen = open
		if slices.ContainsFunc(open, func(at netip.AddrPort) bool { return at.Port() == 8000 && !at.Addr().IsLoopback() }) {
			cancel()
		}
	})
	if len(seen) != 1 || seen[0].Port() != 8000 {
		t.Errorf("saw %v, %v", seen, err)
	}
	left, err := dockertest.Client(t).ContainerList(t.Context(), container.ListOptions{All: true, Filters: engine.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil || len(left) > 0 {
		t.Errorf("%d helpers are left, %v", len(left), err)
	}
}
