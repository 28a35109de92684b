//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"berth/controller/app"
	"berth/controller/backup/drill"
	"berth/controller/backup/trial"
	"berth/controller/docker"
	"berth/controller/egress"
	"berth/controller/release"
	"berth/controller/secret"
	"berth/controller/store"
)

// examiner looks into what drills restore.
type examiner struct {
	engine *docker.Engine
	aside  aside
	logger *slog.Logger
}

// examine opens what a drill has restored as a start does, and starts its apps.
func (e examiner) examine(ctx context.Context, folder string, told func(what string)) (found drill.Content, err error) {
	restored := Config{DataFolder: folder}
	ledger, err := store.Open(ctx, restored.ledgerFile())
	if err != nil {
		return drill.Content{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	key, err := secret.LoadKey(filepath.Join(folder, "secret.key"))
	if err != nil {
		return drill.Content{}, err
	}
	if found, err = examineRestored(ctx, restored, ledger, key); err != nil {
		return found, err
	}
	found.Started, err = trial.Run(ctx, trial.Options{
		Ledger: ledger, Engine: e.engine, Restored: drill.ThrowAway, Aside: e.aside.Trial,
		Releases: release.NewSpecs(ledger, e.engine, closedEngine{e.engine}, key),
		Told:     func(name app.Name) { told("starting " + string(name)) },
		Failed: func(name app.Name, err error) {
			e.logger.WarnContext(ctx, "start an app of a backup", "app", string(name), "error", err)
		},
	})
	return found, err
}

// examineRestored counts. The database must be whole, and the audit log's chain must hold
// with the restored key.
func examineRestored(ctx context.Context, restored Config, ledger *store.Store, key secret.Key) (drill.Content, error) {
	if err := ledger.CheckIntegrity(ctx); err != nil {
		return drill.Content{}, err
	}
	log := newAuditLog(restored, ledger, key, slog.New(slog.DiscardHandler))
	if err := log.CatchUp(ctx); err != nil {
		return drill.Content{}, err
	}
	verdict, err := log.Verify(ctx)
	if err != nil {
		return drill.Content{}, err
	}
	if !verdict.Whole() {
		return drill.Content{}, fmt.Errorf("the restored audit log has %d findings", len(verdict.Findings)+verdict.More)
	}
	apps, err := ledger.ListApps(ctx)
	return drill.Content{Apps: len(apps), Entries: int(verdict.Entries)}, err
}

// closedEngine gives each app of a drill a network that leads nowhere.
type closedEngine struct{ *docker.Engine }

// EnsureNetwork makes the network of a drill, whatever network is asked for.
func (e closedEngine) EnsureNetwork(ctx context.Context, app string, _ int64) (docker.Network, error) {
	return e.EnsureClosedNetwork(ctx, app, trial.NetworkNumber, string(egress.None))
}
