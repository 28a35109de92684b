//go:build integration

package networks

import (
	"net/netip"
	"testing"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/test/stack"
)

func TestEnsureNetwork_GoesAroundASubnetThatOnlyTheEngineKnows(t *testing.T) {
	place, err := stack.Reserve("docker-networks-test")
	if err != nil {
		t.Fatal(err)
	}
	reached, err := link.Open(dockertest.Host(), dockertest.Stack(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reached.Close()
	bridges, err := New(reached, netip.PrefixFrom(place.Pool.Addr(), 20), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := netip.PrefixFrom(place.Pool.Addr(), SubnetBits)
	if _, err := reached.API(t.Context()).NetworkCreate(t.Context(), reached.Stack+"-taken", bridges.networkOptions(Network{App: "other"}, first)); err != nil {
		t.Fatal(err)
	}
	_, err = reached.API(t.Context()).NetworkCreate(t.Context(), reached.Stack+"-second", bridges.networkOptions(Network{App: "second"}, first))
	if !taken(err) {
		t.Fatalf("the engine's refusal is not recognised: %v", err)
	}
	if _, err := bridges.EnsureNetwork(t.Context(), "hello", 0); err != nil {
		t.Fatal(err)
	}
}
