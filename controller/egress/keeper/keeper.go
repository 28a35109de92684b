// Package keeper keeps the exit of closed networks: it makes it when an app needs it, tells it the lists of the releases, and collects what was refused.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/egress"
	"berth/controller/egress/exit"
	"berth/controller/notice"
	"berth/controller/pause"
)

const (
	lookEvery  = 5 * time.Second // the engine tells nobody of what happens to networks
	lookAgain  = time.Second     // after a failure
	passLimit  = time.Minute
	readPause  = 500 * time.Millisecond // after an exit has ended: the engine tells of it a moment later
	mostSilent = 5                      // orders without an answer, before the exit is made anew
	readyLimit = 40 * time.Second       // for the exit to know a new network
)

// Engine makes closed networks and the exit. docker.Engine is the one there is.
type Engine interface {
	EnsureClosedNetwork(ctx context.Context, app string, release int64, egress string) (docker.Network, error)
	Closed(context.Context) ([]docker.Network, error)
	EnsureExit(context.Context) error
	RemoveExit(context.Context) error
	AttachExit(context.Context) (io.ReadWriteCloser, error)
}

// Ledger knows what each release may connect to.
type Ledger interface {
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// Options are what a Keeper needs; all are required but Never.
type Options struct {
	Engine Engine
	Ledger Ledger
	Never  []netip.Addr // addresses of this machine, which no app reaches through the exit
	Board  *notice.Board
	Logger *slog.Logger
}

// Keeper keeps the exit. It is safe for concurrent use.
type Keeper struct {
	engine Engine
	ledger Ledger
	never  []netip.Addr
	board  *notice.Board
	logger *slog.Logger
	book   *book
	wake   chan struct{}

	mu      sync.Mutex // of one pass
	line    *line      // to the exit; nil where there is none
	silent  int        // orders in a row without an answer
	removed bool       // there is no exit
}

// New returns a Keeper that does nothing before Run.
func New(o Options) *Keeper {
	return &Keeper{
		engine: o.Engine, ledger: o.Ledger, never: o.Never, board: o.Board, logger: o.Logger,
		book: newBook(), wake: make(chan struct{}, 1),
	}
}

// Run keeps the exit as the networks need it, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.hangUp()
	for {
		next := lookEvery
		if err := k.Look(ctx); err != nil && ctx.Err() == nil {
			k.logger.Warn("keep the exit of closed networks", "error", err)
			next = lookAgain
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-k.wake: // the exit has ended; the engine starts it again
			timer.Stop()
			if pause.For(ctx, readPause) != nil {
				return nil
			}
		}
	}
}

// Look makes the exit what the closed networks need, and returns once it has the lists of
// all of them. Where there is no closed network there is no exit.
func (k *Keeper) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passLimit)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	closed, err := k.engine.Closed(ctx)
	if err != nil {
		return err
	}
	if len(closed) == 0 {
		return k.remove(ctx)
	}
	k.removed = false
	if err := k.engine.EnsureExit(ctx); err != nil {
		return err
	}
	rules, err := k.rulesOf(ctx, closed)
	if err != nil {
		return err
	}
	return k.tell(ctx, rules)
}

func (k *Keeper) remove(ctx context.Context) error {
	if k.removed {
		return nil
	}
	k.drop()
	err := k.engine.RemoveExit(ctx)
	k.removed = err == nil
	return err
}

// rulesOf are the rules of the networks, by the releases that they were made for. A
// network without a release has none, so nothing leads out of it.
func (k *Keeper) rulesOf(ctx context.Context, closed []docker.Network) ([]exit.Rule, error) {
	var rules []exit.Rule
	for _, network := range closed {
		release, err := k.ledger.FindRelease(ctx, app.ReleaseID{App: app.Name(network.App), Number: network.Release})
		if isMissing(err) || err == nil && !release.Settings.Egress.Mode.Closed() {
			continue
		}
		if err != nil {
			return nil, err
		}
		rules = append(rules, exit.Rule{App: network.App, Address: network.Exit(), Subnet: network.Subnet, Egress: release.Settings.Egress.Run()})
	}
	slices.SortFunc(rules, func(a, b exit.Rule) int { return a.Address.Compare(b.Address) })
	return rules, nil
}

// tell sends the rules to the exit, over a new line where the last one has ended. An exit
// that does not answer is made anew.
func (k *Keeper) tell(ctx context.Context, rules []exit.Rule) error {
	if k.line == nil || k.line.hasEnded() {
		k.drop()
		stream, err := k.engine.AttachExit(ctx)
		if err != nil {
			return err
		}
		k.line = openLine(stream, k.hear, k.nudge)
	}
	err := k.line.tell(ctx, exit.Orders{Rules: rules, Never: k.never})
	if err == nil {
		k.silent = 0
		return nil
	}
	k.drop()
	if k.silent++; k.silent < mostSilent || !errors.Is(err, errSilent) {
		return err
	}
	k.silent = 0
	return errors.Join(err, k.engine.RemoveExit(ctx))
}

// hear takes what the exit tells.
func (k *Keeper) hear(report exit.Report) {
	for _, changed := range k.book.add(report) {
		k.board.Notify(changed)
	}
}

func (k *Keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// drop lets go of the line to the exit.
func (k *Keeper) drop() {
	if k.line != nil {
		k.line.close()
		k.line = nil
	}
}

func (k *Keeper) hangUp() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop()
}

// Refused returns what was refused to the app since the controller began, the latest first.
func (k *Keeper) Refused(name app.Name) []Refused { return k.book.of(name) }

// ensureClosed makes the network of a release, with an exit that knows its list.
func (k *Keeper) ensureClosed(ctx context.Context, of app.ReleaseID, mode egress.Mode) (docker.Network, error) {
	network, err := k.engine.EnsureClosedNetwork(ctx, string(of.App), of.Number, string(mode))
	if err != nil {
		return docker.Network{}, err
	}
	if err := k.lookUntilGood(ctx); err != nil {
		return docker.Network{}, fmt.Errorf("open the way out of %s: %w", of, err)
	}
	return network, nil
}

// lookUntilGood tries again while the exit is being started.
func (k *Keeper) lookUntilGood(ctx context.Context) error {
	for deadline := time.Now().Add(readyLimit); ; {
		err := k.Look(ctx)
		if err == nil || time.Now().After(deadline) || pause.For(ctx, readPause) != nil {
			return err
		}
	}
}
