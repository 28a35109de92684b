//go:build linux && cgo

package main

import (
	"context"
	"log/slog"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/duplicate"
	"berth/controller/moving"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/router"
)

// openMoves gives the admin app what takes apps to other servers.
func openMoves(config Config, story *controller.Controller, ledger *store.Store, engine moving.Keeper, audit audit.Auditor, key secret.Key, admin *router.Options, logger *slog.Logger) *moving.Moves {
	made := moving.New(moving.Options{
		Ledger: ledger, Story: story, Volumes: story.Volumes(), Keeper: engine, Sources: admin.Sources, Publish: story.Routing().Publish,
		Describe: describer(ledger, key), Dial: func(private bool) moving.Dial { return moving.Dial(guardedDial(config)(private)) },
		Audit: audit, Key: key, Logger: logger,
	})
	admin.Moves = made
	return made
}

// describer tells what an app has beside its archive, with its secrets.
func describer(ledger *store.Store, key secret.Key) func(context.Context, app.App) ([]byte, error) {
	return func(ctx context.Context, found app.App) ([]byte, error) {
		variables, err := duplicate.Duplicates{Ledger: ledger, Key: key}.Variables(ctx, found.Name)
		if err != nil {
			return nil, err
		}
		return router.DescribeMoved(found, variables)
	}
}
