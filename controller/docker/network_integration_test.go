//go:build integration

package docker

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/networks"
)

func TestEnsureNetwork_IsIdempotentAndHoldsTheProxy(t *testing.T) {
	engine := openTest(t)
	proxy := mustStartProxy(t, engine)
	first, second := mustNetwork(t, engine, "hello"), mustNetwork(t, engine, "hello")
	if first != second || first.App != "hello" || first.Name != engine.link.Stack+"-app-hello" {
		t.Fatalf("first %+v, second %+v", first, second)
	}
	found, err := engine.link.API(t.Context()).NetworkInspect(t.Context(), first.ID, networktypes.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := found.Containers[proxy]; !ok || len(found.Containers) != 1 {
		t.Errorf("members %v", found.Containers)
	}
	subnet := netip.MustParsePrefix(found.IPAM.Config[0].Subnet)
	if subnet.Bits() != networks.SubnetBits || !testPool.Contains(subnet.Addr()) || found.EnableIPv6 || found.Internal {
		t.Errorf("network %+v", found)
	}
}

func TestJoinProxy_BringsANewProxyIntoEveryNetwork(t *testing.T) {
	engine := openTest(t)
	networks := []networks.Network{mustNetwork(t, engine, "one"), mustNetwork(t, engine, "two")}
	if err := engine.JoinProxy(t.Context()); err != nil {
		t.Fatalf("without a proxy: %v", err)
	}
	proxy := mustStartProxy(t, engine)
	for range 2 {
		if err := engine.JoinProxy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, network := range networks {
		if mustInspect(t, engine, proxy).NetworkSettings.Networks[network.Name] == nil {
			t.Errorf("the proxy is not on %s", network.Name)
		}
	}
}

func TestEnsureNetwork_KeepsTheProxysWayOut(t *testing.T) {
	engine := openTest(t)
	proxy := mustStartProxy(t, engine)
	gateway := func() string {
		routes := askProxy(t, engine, proxy)
		for _, line := range strings.Split(routes, "\n") {
			if columns := strings.Fields(line); len(columns) > 2 && columns[1] == "00000000" {
				return columns[2]
			}
		}
		return ""
	}
	before := gateway()
	mustNetwork(t, engine, "hello")
	if after := gateway(); after != before || after == "" {
		t.Errorf("way out was %s, is %s", before, after)
	}
}

func askProxy(t *testing.T, engine *Engine, proxy string) string {
	t.Helper()
	own := mustInspect(t, engine, proxy)
	// Only the proxy's own network is asked for; the others come and go.
	only := own.NetworkSettings.Networks[engine.link.Stack+"-0-edge"]
	return askAddress(t, only.IPAddress, "/read", "path", "/proc/self/net/route")
}

func TestRemoveNetwork_LetsTheProxyGoFirstAndIsIdempotent(t *testing.T) {
	engine := openTest(t)
	proxy := mustStartProxy(t, engine)
	network := mustNetwork(t, engine, "hello")
	for range 2 {
		if err := engine.RemoveNetwork(t.Context(), "hello", 0); err != nil {
			t.Fatal(err)
		}
	}
	if mustInspect(t, engine, proxy).NetworkSettings.Networks[network.Name] != nil {
		t.Error("the proxy is still on the network")
	}
}

func TestRemoveNetwork_GoesOnWhereAGuestJoinsMeanwhile(t *testing.T) {
	engine := openTest(t)
	proxy := mustStartProxy(t, engine)
	for range 5 {
		network := mustNetwork(t, engine, "hello")
		joining, end := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			for joined := 0; joined < 3 && joining.Err() == nil; {
				if engine.link.API(joining).NetworkConnect(joining, network.ID, proxy, nil) == nil {
					joined++
				}
			}
		})
		if err := engine.RemoveNetwork(t.Context(), "hello", 0); err != nil {
			t.Error(err)
		}
		end()
		group.Wait()
	}
}

func TestRemoveNetwork_AStoppedProxyCanStartAgain(t *testing.T) {
	engine := openTest(t)
	proxy := mustStartProxy(t, engine)
	mustNetwork(t, engine, "hello")
	now := 0
	if err := engine.link.API(t.Context()).ContainerStop(t.Context(), proxy, container.StopOptions{Timeout: &now}); err != nil {
		t.Fatal(err)
	}
	if err := engine.RemoveNetwork(t.Context(), "hello", 0); err != nil {
		t.Fatal(err)
	}
	if err := engine.link.API(t.Context()).ContainerStart(t.Context(), proxy, container.StartOptions{}); err != nil {
		t.Fatalf("the proxy does not start any more: %v", err)
	}
}

func TestEnsureNetwork_ThirtyFiveAppsFitAtOnce(t *testing.T) {
	engine := openTest(t)
	mustStartProxy(t, engine)
	var group sync.WaitGroup
	networks := make([]networks.Network, 35)
	for i := range networks {
		group.Go(func() {
			network, err := engine.EnsureNetwork(t.Context(), fmt.Sprintf("app-%d", i), 0)
			if err != nil {
				t.Errorf("network %d: %v", i, err)
			}
			networks[i] = network
		})
	}
	group.Wait()
	subnets := map[string]string{}
	for _, network := range networks {
		found, err := engine.link.API(t.Context()).NetworkInspect(t.Context(), network.ID, networktypes.InspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		subnet := found.IPAM.Config[0].Subnet
		if other, double := subnets[subnet]; double || len(found.Containers) != 1 {
			t.Errorf("%s has %s like %q and %d members", network.Name, subnet, other, len(found.Containers))
		}
		subnets[subnet] = network.Name
	}
}

func TestEnsureNetwork_TwoAtOnceForOneAppMakeOne(t *testing.T) {
	engine := openTest(t)
	var group sync.WaitGroup
	networks := make([]networks.Network, 8)
	for i := range networks {
		group.Go(func() {
			network, err := engine.EnsureNetwork(t.Context(), "hello", 0)
			if err != nil {
				t.Error(err)
			}
			networks[i] = network
		})
	}
	group.Wait()
	for _, network := range networks {
		if network != networks[0] {
			t.Errorf("%+v and %+v", network, networks[0])
		}
	}
}

func TestNetwork_AppsDoNotReachEachOther(t *testing.T) {
	engine := openTest(t)
	one := mustStart(t, engine, "one", dockertest.ServeDockerfile)
	two := mustStart(t, engine, "two", dockertest.ServeDockerfile)
	address := mustInspect(t, engine, two.ID).NetworkSettings.Networks[engine.link.NetworkName("two", 0)].IPAddress
	ask(t, engine, two, "/", "", "")
	for _, host := range []string{address, two.Name} {
		if got := ask(t, engine, one, "/get", "url", "http://"+host+":8000/"); strings.Contains(got, "hello") {
			t.Errorf("one reached two by %s", host)
		}
	}
}
