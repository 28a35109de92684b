//go:build linux && cgo

package main

import (
	"log/slog"

	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/docker"
	"berth/controller/secret"
	"berth/controller/store"
)

// openBackups returns the backups of this server.
func openBackups(config Config, ledger *store.Store, auditor audit.Auditor, engine *docker.Engine, key secret.Key, logger *slog.Logger) *backup.Backups {
	return backup.New(backup.Options{
		Ledger: ledger, Keeper: engine, Audit: auditor, Key: key, DataFolder: config.DataFolder, ACMEFolder: config.ACMEFolder,
		Stack: config.Stack, Version: currentVersion(), Logger: logger,
	})
}
