//go:build linux && cgo

package main

import (
	"context"
	"log/slog"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/store"
	"berth/controller/tagwatch"
	"berth/router"
)

// openTagWatches gives the admin app what deploys images again when their tags move. The
// registries that the operator named may be on private networks.
func openTagWatches(config Config, ledger *store.Store, admin *router.Options, story receiver, logger *slog.Logger) *tagwatch.Watcher {
	dial := guardedDial(config)
	registries := tagwatch.Registries{
		Allowed: config.Registries,
		Dial:    func(private bool) tagwatch.Dial { return tagwatch.Dial(dial(private || config.PrivateEgress)) },
	}
	made := tagwatch.New(tagwatch.Options{Ledger: ledger, Digest: registries.Digest, Logger: logger, Deploy: func(ctx context.Context, name app.Name, image plan.ImageReference) error {
		_, err := story.Accept(ctx, controller.Upload{Name: name, Next: true, By: tagwatch.By, Image: image})
		return err
	}})
	admin.TagWatches = made
	return made
}
