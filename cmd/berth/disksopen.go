//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/disks"
	"berth/controller/docker"
	"berth/controller/store"
)

// openDisks returns what grows on the disk of the server, with the rules that bound it.
func openDisks(config Config, ledger *store.Store, story *controller.Controller, engine *docker.Engine, auditor *audit.Log, kept *keptLogs, logger *slog.Logger) *disks.Disks {
	return disks.New(disks.Options{
		DataFolder: config.DataFolder,
		Ledger:     ledger,
		Engine:     engine,
		Releases:   story.Shipper(),
		Volumes:    story.Volumes(),
		Audit:      auditor,
		Logs:       kept,
		Events:     ledger,
		Rows: func(ctx context.Context) (disks.Rows, error) {
			rows, err := ledger.CountRows(ctx)
			return disks.Rows(rows), err
		},
		Pulls: func(ctx context.Context, engine string) (all []disks.Pull, err error) {
			found, err := ledger.ListPulls(ctx, engine)
			for _, pull := range found {
				all = append(all, disks.Pull(pull))
			}
			return all, err
		},
		Sweep:  sweepExpired(ledger, config.SessionLife, logger),
		Logger: logger,
	})
}

// sweepExpired removes sessions that are over and tokens that have long been. They are
// refused without it; it keeps the ledger small.
func sweepExpired(ledger *store.Store, life account.SessionLife, logger *slog.Logger) func(context.Context) error {
	tokens := account.NewTokens(ledger, logger)
	return func(ctx context.Context) error {
		return errors.Join(ledger.DeleteExpiredSessions(ctx, time.Now(), life), tokens.Sweep(ctx))
	}
}
