//go:build linux && cgo

package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"berth/controller"
	"berth/controller/docker"
	"berth/controller/logs/collect"
	"berth/controller/logs/journal"
	"berth/controller/retention"
	"berth/controller/store"
)

// appLogsFolder is what apps print and the requests to them, in the data folder. It may be deleted.
const appLogsFolder = "applogs"

// The bounds of the logs on the disk, in bytes.
const (
	mostLogsOfApp = 256 << 20
	mostLogs      = 2 << 30
)

// keptLogs are the logs of apps, with what fills them.
type keptLogs struct {
	*journal.Journal
	collector *collect.Collector
}

func openLogs(config Config, ledger *store.Store, story *controller.Controller, engine *docker.Engine, logger *slog.Logger) (*keptLogs, error) {
	kept, err := journal.Open(journal.Options{
		Folder: filepath.Join(config.DataFolder, appLogsFolder), Days: retention.Book{Ledger: ledger}.OutputDays,
		MostApp: mostLogsOfApp, MostAll: mostLogs, Logger: logger, Handles: ledger.Handles(),
	})
	if err != nil {
		return nil, err
	}
	return &keptLogs{kept, collect.New(collect.Options{Engine: engine, Ledger: ledger, Masks: story.Shipper(), Journal: kept, Logger: logger})}, nil
}

// Run keeps logs until ctx ends.
func (k *keptLogs) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.Journal.Run(ctx) })
	group.Go(func() error { return k.collector.Run(ctx) })
	return group.Wait()
}
