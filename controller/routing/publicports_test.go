package routing_test

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
	"berth/traefik/traefiktest"
)

var (
	ssh   = traefik.Port{Number: 2222, Protocol: traefik.TCP}
	spare = traefik.Port{Number: 2223, Protocol: traefik.TCP}
	game  = traefik.Port{Number: 25565, Protocol: traefik.UDP}
)

// portsAt are the addresses that the proxy was told for the public ports.
func (p *proxy) portsAt() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return traefiktest.Ports(p.published)
}

func (s *street) wantPorts(want map[string]string) {
	s.t.Helper()
	if err := s.Publish(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if got := s.proxy.portsAt(); !maps.Equal(got, want) {
		s.t.Errorf("the ports lead to %v, want %v", got, want)
	}
}

func (s *street) wantPortStates(name app.Name, want ...routing.PortState) {
	s.t.Helper()
	views, err := s.PublicPorts(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	var states []routing.PortState
	for _, view := range views {
		states = append(states, view.State)
	}
	if !slices.Equal(states, want) {
		s.t.Errorf("the ports of %s are %v, want %v", name, states, want)
	}
}

func (s *street) open(port app.PublicPort) {
	s.t.Helper()
	if err := s.AddPublicPort(s.t.Context(), port); err != nil {
		s.t.Fatal(err)
	}
}

func (s *street) access(name app.Name, access traefik.Access) {
	s.t.Helper()
	if err := s.ledger.UpdateAccess(s.t.Context(), name, access); err != nil {
		s.t.Fatal(err)
	}
}

const nowhere = "127.0.0.1:9"

func TestPublicPorts_FollowTheLiveReleaseAndLeadNowhereWithoutOne(t *testing.T) {
	s := newStreetWith(t, ssh, spare, game)
	id := s.queue("git")
	s.wantPorts(map[string]string{"port-2222-tcp": nowhere, "port-2223-tcp": nowhere, "port-25565-udp": nowhere})
	s.open(app.PublicPort{Port: ssh, App: "git", Target: 22})
	s.open(app.PublicPort{Port: game, App: "git", Service: "game", Target: 25565})
	s.wantPorts(map[string]string{"port-2222-tcp": nowhere, "port-2223-tcp": nowhere, "port-25565-udp": nowhere})
	s.wantPortStates("git", routing.PortOff, routing.PortOff)

	if _, err := s.ledger.Promote(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.wantPorts(map[string]string{"port-2222-tcp": "i:22", "port-2223-tcp": nowhere, "port-25565-udp": app.ServiceAlias("i", "game") + ":25565"})
	s.wantPortStates("git", routing.PortLive, routing.PortNoService)

	s.stopped("git")
	s.wantPorts(map[string]string{"port-2222-tcp": nowhere, "port-2223-tcp": nowhere, "port-25565-udp": nowhere})
	s.wantPortStates("git", routing.PortOff, routing.PortOff)
}

func TestPublicPorts_KeepTheAccessRulesOfTheirApp(t *testing.T) {
	s := newStreetWith(t, ssh, game)
	s.live("git")
	s.open(app.PublicPort{Port: ssh, App: "git", Target: 22})
	s.open(app.PublicPort{Port: game, App: "git", Target: 25565})
	both := map[string]string{"port-2222-tcp": "i:22", "port-25565-udp": "i:25565"}
	none := map[string]string{"port-2222-tcp": nowhere, "port-25565-udp": nowhere}
	s.wantPorts(both)

	s.access("git", traefik.Access{Maintenance: traefik.Maintenance{On: true}})
	s.wantPorts(none)
	s.access("git", traefik.Access{Password: true}) // and no user
	s.wantPorts(none)
	s.access("git", traefik.Access{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	s.wantPorts(map[string]string{"port-2222-tcp": "i:22", "port-25565-udp": nowhere})
	s.wantPortStates("git", routing.PortLive, routing.PortRules)
	if chain := s.proxy.published.TCP.Routers["port-2222-tcp"].Middlewares; len(chain) != 2 || !strings.HasPrefix(chain[0], "git-allow-") {
		t.Errorf("the port has the middlewares %v", chain)
	}
	wantProblem(t, s.AddPublicPort(t.Context(), app.PublicPort{Port: game, App: "git", Target: 25565}), problem.KindConflict, "public_port")
	s.access("git", traefik.Access{})
	s.wantPorts(both)
}

func TestAddPublicPort_RefusesInWordsAndChangesNothing(t *testing.T) {
	s := newStreetWith(t, ssh, game)
	s.live("git")
	s.live("other")
	s.open(app.PublicPort{Port: ssh, App: "git", Target: 22})
	for want, port := range map[string]app.PublicPort{
		"The app git has port 2222/tcp already.":  {Port: ssh, App: "other", Target: 22},
		"Port 2223/tcp is not allowed":            {Port: spare, App: "other", Target: 22},
		"The port of the service is missing.":     {Port: game, App: "other"},
		"other has no service called \"db\".":     {Port: game, App: "other", Service: "db", Target: 22},
		"There is no app called nobody.":          {Port: game, App: "nobody", Target: 22},
		"Port 25565/tcp is not allowed on this s": {Port: traefik.Port{Number: 25565, Protocol: traefik.TCP}, App: "other", Target: 22},
	} {
		err := s.AddPublicPort(t.Context(), port)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", port, err, want)
		}
	}
	wantProblem(t, s.RemovePublicPort(t.Context(), "other", ssh), problem.KindConflict, "public_port")
	s.wantPorts(map[string]string{"port-2222-tcp": "i:22", "port-25565-udp": nowhere})

	off := newStreet(t)
	off.live("git")
	fault := wantProblem(t, off.AddPublicPort(t.Context(), app.PublicPort{Port: ssh, App: "git", Target: 22}), problem.KindConflict, "public_port")
	if !strings.Contains(fault.Hint, "BERTH_PORTS") {
		t.Errorf("the hint is %q", fault.Hint)
	}
}

func TestRemovePublicPort_ClosesAndFreesIt(t *testing.T) {
	s := newStreetWith(t, ssh)
	s.live("git")
	s.live("other")
	s.open(app.PublicPort{Port: ssh, App: "git", Target: 22})
	if err := s.RemovePublicPort(t.Context(), "git", ssh); err != nil {
		t.Fatal(err)
	}
	if got := s.proxy.portsAt()["port-2222-tcp"]; got != nowhere {
		t.Errorf("the port leads to %s", got)
	}
	s.open(app.PublicPort{Port: ssh, App: "other", Target: 2022})
	if got := s.proxy.portsAt()["port-2222-tcp"]; got != "i:2022" {
		t.Errorf("the port leads to %s", got)
	}
}

func TestAllowedPorts_ShowWhoHasEachAndWhichAreNotAllowedAnyMore(t *testing.T) {
	s := newStreetWith(t, spare, game)
	s.live("git")
	former := app.PublicPort{Port: ssh, App: "git", Target: 22}
	if err := s.ledger.CreatePublicPort(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	s.open(app.PublicPort{Port: spare, App: "git", Target: 22})
	uses, err := s.AllowedPorts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []routing.PortUse{{ssh, "git", false}, {spare, "git", true}, {game, "", true}}
	if !slices.Equal(uses, want) {
		t.Errorf("got %+v", uses)
	}
	s.wantPorts(map[string]string{"port-2223-tcp": "i:22", "port-25565-udp": nowhere})
	s.wantPortStates("git", routing.PortForbidden, routing.PortLive)
}

func TestPortServices_AreThoseOfTheComposeFile(t *testing.T) {
	s := newStreetWith(t, game)
	id := s.queue("git")
	release, err := s.ledger.FindRelease(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	release.Services = []app.ServiceRun{{Spec: plan.Service{Name: "server"}, Main: true}, {Spec: plan.Service{Name: "game"}}}
	if err := s.ledger.UpdateServices(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ledger.Promote(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.open(app.PublicPort{Port: game, App: "git", Service: "game", Target: 25565})
	s.wantPortStates("git", routing.PortLive)
	err = s.AddPublicPort(t.Context(), app.PublicPort{Port: game, App: "git", Service: "db", Target: 5432})
	if fault := wantProblem(t, err, problem.KindInvalid, "port_service"); !strings.Contains(fault.Hint, "server, game") {
		t.Errorf("the hint is %q", fault.Hint)
	}
}
