//go:build linux && cgo

package main

import (
	"context"
	"log/slog"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/registries"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/tagwatch"
	"berth/router"
)

// openRegistries gives the admin app and the engine the logins of registries. Those that the
// operator named may be on private networks.
func openRegistries(config Config, ledger *store.Store, admin *router.Options, engine *docker.Engine, key secret.Key) registries.Registries {
	dial := guardedDial(config)
	made := registries.Registries{
		Ledger: ledger, Key: key, Allowed: config.Registries,
		Dial: func(private bool) registries.Dial { return registries.Dial(dial(private || config.PrivateEgress)) },
	}
	admin.Registries, engine.Logins = made, made
	return made
}

// openTagWatches gives the admin app what deploys images again when their tags move.
func openTagWatches(asked registries.Registries, ledger *store.Store, admin *router.Options, story receiver, key secret.Key, logger *slog.Logger) *tagwatch.Watcher {
	made := tagwatch.New(tagwatch.Options{Ledger: ledger, Key: key, Digest: asked.Digest, Logger: logger, Deploy: func(ctx context.Context, name app.Name, image plan.ImageReference) error {
		_, err := story.Accept(ctx, controller.Upload{Name: name, Next: true, By: tagwatch.By, Image: image})
		return err
	}})
	admin.TagWatches = made
	return made
}
