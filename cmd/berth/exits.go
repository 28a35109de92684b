//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"berth/controller/docker"
	"berth/controller/docker/link"
	"berth/controller/egress/exit"
	"berth/controller/egress/keeper"
	"berth/controller/notice"
	"berth/controller/store"
)

// exits are the engine for apps, and what keeps the way out of those that may not connect
// to everything.
type exits struct {
	*keeper.ClosingEngine
	*keeper.Keeper
	board *notice.Board
}

func newExits(config Config, engine *docker.Engine, ledger *store.Store, logger *slog.Logger) *exits {
	board := notice.NewBoard()
	kept := keeper.New(keeper.Options{Engine: engine, Ledger: ledger, Never: config.PublicAddresses, Board: board, Logger: logger})
	return &exits{kept.Around(engine), kept, board}
}

// runExit is the only way out of the networks of apps that may not connect to everything,
// in a container that the controller makes and tells the lists.
func runExit(ctx context.Context, p *program, args []string) error {
	flags := newFlags(link.ExitCommand)
	pool := flags.String("pool", "10.201.0.0/16", "the networks of apps, which nothing reaches through it")
	private := flags.Bool("private", false, "lists may name private addresses outside the pool")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	networks, err := netip.ParsePrefix(*pool)
	if err != nil {
		return &usageError{fmt.Errorf("--pool %.60q is no network", *pool)}
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	return exit.New(exit.Options{Pool: networks, Private: *private, Orders: p.stdin, Reports: p.stdout, Logger: logger}).Run(ctx)
}

// parsePrivateEgress reads allow, or nothing.
func parsePrivateEgress(text string) (bool, error) {
	if text != "" && text != "allow" {
		return false, errors.New("it is neither allow nor empty")
	}
	return text == "allow", nil
}
