//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"berth/controller/backup/drill"
	"berth/controller/secret"
	"berth/controller/store"
)

// examineRestored opens what a drill has restored as a start does: the database must be
// whole, and the audit log's chain must hold with the restored key.
func examineRestored(ctx context.Context, folder string) (found drill.Content, err error) {
	restored := Config{DataFolder: folder}
	ledger, err := store.Open(ctx, restored.ledgerFile())
	if err != nil {
		return drill.Content{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if err := ledger.CheckIntegrity(ctx); err != nil {
		return drill.Content{}, err
	}
	key, err := secret.LoadKey(filepath.Join(folder, "secret.key"))
	if err != nil {
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
