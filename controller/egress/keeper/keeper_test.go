package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/egress"
	"berth/controller/egress/exit"
	"berth/controller/notice"
	"berth/controller/problem"
)

// engine is an engine with an exit that answers as the real one does.
type engine struct {
	mu       sync.Mutex
	networks []docker.Network
	told     []exit.Orders // by the keeper
	exit     net.Conn      // its end; nil where there is none
	since    time.Time
	attached int
}

func (e *engine) EnsureClosedNetwork(_ context.Context, app string, release int64, egress string) (docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	base := netip.AddrFrom4([4]byte{10, 201, 4, byte(32 * len(e.networks))})
	network := docker.Network{App: app, Release: release, Egress: egress, Subnet: netip.PrefixFrom(base, 27)}
	e.networks = append(e.networks, network)
	return network, nil
}

func (e *engine) Closed(context.Context) ([]docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.networks), nil
}

func (e *engine) EnsureExit(context.Context) error { return nil }

func (e *engine) RemoveExit(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = nil
	return nil
}

func (e *engine) AttachExit(context.Context) (io.ReadWriteCloser, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attached++
	e.since = time.Now().UTC()
	ours, theirs := net.Pipe()
	e.exit = theirs
	go e.answer(theirs, e.since)
	return ours, nil
}

func (e *engine) answer(connection net.Conn, since time.Time) {
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		var orders exit.Orders
		if json.Unmarshal(lines.Bytes(), &orders) != nil {
			continue
		}
		e.mu.Lock()
		e.told = append(e.told, orders)
		e.mu.Unlock()
		e.report(connection, exit.Report{Since: since, Serial: orders.Serial})
	}
}

func (e *engine) report(to io.Writer, report exit.Report) {
	text, _ := json.Marshal(report)
	_, _ = to.Write(append(text, '\n'))
}

func (e *engine) rules() []exit.Rule {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.told) == 0 {
		return nil
	}
	return e.told[len(e.told)-1].Rules
}

// ledger holds one app with two releases.
type ledger map[int64]egress.Egress

func (l ledger) FindRelease(_ context.Context, id app.ReleaseID) (app.Release, error) {
	set, there := l[id.Number]
	if id.App != "shop" || !there {
		return app.Release{}, problem.ErrNotFound
	}
	return app.Release{ReleaseID: id, Settings: app.Settings{Egress: set}}, nil
}

func newKeeper(e *engine) (*Keeper, *notice.Board) {
	board := notice.NewBoard()
	kept := ledger{1: {Mode: egress.List, Hosts: "a.example:443"}, 2: {Mode: egress.None, Hosts: "a.example:443"}, 3: {}}
	return New(Options{Engine: e, Ledger: kept, Board: board, Logger: slog.New(slog.DiscardHandler)}), board
}

func TestKeeper_ANetworkIsReadyOnceTheExitKnowsTheListOfItsRelease(t *testing.T) {
	t.Parallel()
	e := &engine{}
	k, _ := newKeeper(e)
	for number, mode := range map[int64]egress.Mode{1: egress.List, 2: egress.None, 9: egress.List} {
		network, err := k.ensureClosed(t.Context(), app.ReleaseID{App: "shop", Number: number}, mode)
		if err != nil || network.Egress != string(mode) {
			t.Fatalf("%+v, %v", network, err)
		}
		known := slices.ContainsFunc(e.rules(), func(rule exit.Rule) bool { return rule.Address == network.Exit() && rule.Egress.Mode == mode })
		if known != (number != 9) { // a network without a release leads nowhere
			t.Errorf("r%d: the exit was told %+v", number, e.rules())
		}
	}
	if e.attached != 1 {
		t.Errorf("it attached %d times", e.attached)
	}
	before := len(e.told)
	if err := k.Look(t.Context()); err != nil || len(e.told) != before {
		t.Errorf("what holds already was told again: %v", err)
	}
	e.networks = nil
	if err := k.Look(t.Context()); err != nil || e.rules() != nil {
		t.Errorf("without closed networks the exit stays: %v", err)
	}
}

func TestKeeper_TellsAnExitThatWasStartedAnewAndKeepsTheCounts(t *testing.T) {
	t.Parallel()
	e := &engine{}
	k, board := newKeeper(e)
	ticks, cancel := board.Subscribe("shop")
	defer cancel()
	running, stop := context.WithCancel(t.Context())
	defer stop()
	if _, err := k.ensureClosed(t.Context(), app.ReleaseID{App: "shop", Number: 1}, egress.List); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- k.Run(running) }()
	refuse := func(count int64) {
		e.mu.Lock()
		to, since := e.exit, e.since
		e.mu.Unlock()
		e.report(to, exit.Report{Since: since, Refused: []exit.Refusal{{App: "shop", To: "evil.example:443", Why: exit.NotListed, Count: count, Last: time.Now()}}})
		<-ticks
	}
	refuse(2)
	_ = e.exit.Close() // the exit was killed
	for e.attachments() < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	for len(e.rules()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	refuse(1)
	found := k.Refused("shop")
	if len(found) != 1 || found[0].Count != 3 || !found[0].CanAllow() {
		t.Errorf("it knows %+v", found)
	}
	if k.Refused("blog") != nil {
		t.Error("another app sees it too")
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func (e *engine) attachments() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attached
}
