//go:build linux && cgo

package main

import (
	"log/slog"
	"path/filepath"

	"berth/controller"
	"berth/controller/metrics/collect"
	"berth/controller/store"
	"berth/traefik"
)

// metricsFile is what was measured, in the data folder. It may be deleted.
const metricsFile = "metrics.db"

// newCollector returns who measures the server and its apps.
func newCollector(config Config, ledger *store.Store, story *controller.Controller, proxy *traefik.Client, logger *slog.Logger) *collect.Collector {
	return collect.New(collect.Options{
		File: filepath.Join(config.DataFolder, metricsFile), Folder: config.DataFolder,
		Usage: story.Usage(), Proxy: proxy, Ledger: ledger, Disks: story.Volumes(), Handles: ledger.Handles(), Logger: logger,
	})
}
