package store_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

func TestPublicPorts_AreClaimedOnceKeptInTheTableAndFreed(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "git", "/git")
	createApp(t, ledger, "other", "/other")
	ssh := app.PublicPort{Port: traefik.Port{Number: 2222, Protocol: traefik.TCP}, App: "git", Service: "server", Target: 22}
	game := app.PublicPort{Port: traefik.Port{Number: 2222, Protocol: traefik.UDP}, App: "other", Target: 25565}
	must(t, ledger.CreatePublicPort(ctx, game))
	must(t, ledger.CreatePublicPort(ctx, ssh))
	ssh.Service, ssh.Target = "", 2022 // changed in its place
	must(t, ledger.CreatePublicPort(ctx, ssh))
	table, err := ledger.Table(ctx)
	must(t, err)
	if want := []app.PublicPort{ssh, game}; !slices.Equal(table.Ports, want) {
		t.Errorf("the table has %+v", table.Ports)
	}

	stolen := ssh
	stolen.App = "other"
	err = ledger.CreatePublicPort(ctx, stolen)
	if taken := (*app.PortTakenError)(nil); !errors.As(err, &taken) || taken.App != "git" {
		t.Errorf("the port was claimed again: %v", err)
	}
	wantError(t, ledger.DeletePublicPort(ctx, stolen), app.ErrNoPort)
	must(t, ledger.DeletePublicPort(ctx, ssh))
	must(t, ledger.CreatePublicPort(ctx, stolen))
}

func TestPublicPorts_GoWithTheirAppAndComeToNoneThatGoes(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "git", "/git")
	port := app.PublicPort{Port: traefik.Port{Number: 2222, Protocol: traefik.TCP}, App: "git", Target: 22}
	must(t, ledger.CreatePublicPort(ctx, port))
	must(t, ledger.UpdateWanted(ctx, "git", app.WantedDeleted))
	other := port
	other.Port.Number = 2223
	wantError(t, ledger.CreatePublicPort(ctx, other), problem.ErrNotFound)
	must(t, ledger.DeleteApp(ctx, "git"))
	ports, err := ledger.ListPublicPorts(ctx)
	must(t, err)
	if len(ports) != 0 {
		t.Errorf("left over: %+v", ports)
	}
	wantError(t, ledger.CreatePublicPort(ctx, port), problem.ErrNotFound)
}

func TestPublicPorts_OfManyClaimsOneWins(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	apps := []app.Name{"a", "b", "c", "d"}
	for _, name := range apps {
		createApp(t, ledger, name, "/"+string(name))
	}
	var group sync.WaitGroup
	var won atomic.Int32
	for _, name := range apps {
		group.Go(func() {
			err := ledger.CreatePublicPort(t.Context(), app.PublicPort{Port: traefik.Port{Number: 2222, Protocol: traefik.TCP}, App: name, Target: 22})
			if taken := (*app.PortTakenError)(nil); err == nil {
				won.Add(1)
			} else if !errors.As(err, &taken) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d apps got the port", won.Load())
	}
}

func TestPublicPorts_ConstraintsHoldWhereAParserIsForgotten(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "git", "/git")
	for _, port := range []app.PublicPort{
		{Port: traefik.Port{Number: 0, Protocol: traefik.TCP}, Target: 22},
		{Port: traefik.Port{Number: 22, Protocol: "sctp"}, Target: 22},
		{Port: traefik.Port{Number: 22, Protocol: traefik.TCP}},
	} {
		port.App = "git"
		if err := ledger.CreatePublicPort(t.Context(), port); err == nil {
			t.Errorf("%+v is in the ledger", port)
		}
	}
}
