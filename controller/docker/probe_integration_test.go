//go:build integration

package docker

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"berth/controller/docker/link"
	"berth/controller/probe"
)

// A listener of this machine on the gateway of the probe's network is what an app would reach.
func TestProbe_SeesWhatAnAppWouldAndLeavesNothing(t *testing.T) {
	engine := openTest(t)
	var listener net.Listener
	tries := func(ctx context.Context, gateway netip.Addr) ([]probe.Try, error) {
		opened, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(gateway, 0).String())
		if err != nil {
			return nil, err
		}
		listener = opened
		return []probe.Try{
			{Kind: probe.Host, Target: "open", Address: opened.Addr().String()},
			{Kind: probe.Host, Target: "closed", Address: netip.AddrPortFrom(gateway, 1).String()},
			{Kind: probe.Broker, Target: "socket", Address: probe.Socket("/var/run/docker.sock")},
		}, nil
	}
	results, err := engine.Probe(t.Context(), ProbeOptions{Tries: tries})
	if listener != nil {
		defer listener.Close()
	}
	if err != nil || len(results) != 3 {
		t.Fatalf("%v, %v", results, err)
	}
	for i, want := range []bool{true, false, false} {
		if results[i].Reached != want {
			t.Errorf("%s: reached %v", results[i].Target, results[i].Reached)
		}
	}
	mustHaveNoProbe(t, engine)
}

// What a killed process has left goes at the start of the next one.
func TestProbe_RemovesTheNetworkThatADeadProcessHasLeft(t *testing.T) {
	engine := openTest(t)
	if _, err := engine.CreateProbeNetwork(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := engine.RemoveProbeNetworks(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustHaveNoProbe(t, engine)
}

func mustHaveNoProbe(t *testing.T, engine *Engine) {
	t.Helper()
	api := engine.link.API(t.Context())
	networks, err := api.NetworkList(t.Context(), network.ListOptions{Filters: engine.link.Owned(link.LabelRole + "=" + link.RoleProbe)})
	if err != nil || len(networks) > 0 {
		t.Errorf("left behind: %+v, %v", networks, err)
	}
	helpers, err := api.ContainerList(t.Context(), container.ListOptions{All: true, Filters: engine.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil || len(helpers) > 0 {
		t.Errorf("left behind: %+v, %v", helpers, err)
	}
}
