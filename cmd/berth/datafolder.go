package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"berth/controller"
	"berth/controller/store"
)

// prepareDataFolder makes the data folder and keeps everybody else out of it.
func prepareDataFolder(path string, logger *slog.Logger) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return dataFolderProblem(path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return dataFolderProblem(path, err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	logger.Warn("the data folder was open to others", "folder", path, "mode", info.Mode().Perm().String())
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return dataFolderProblem(path, err)
	}
	return nil
}

// openLedger opens the ledger that a server has made, for the commands that work
// beside it. Where there is none it refuses, instead of making an empty one in
// the wrong place.
func openLedger(ctx context.Context, config Config) (*store.Store, error) {
	if _, err := os.Stat(config.ledgerFile()); err != nil {
		return nil, &controller.Problem{
			Kind:    controller.KindNotFound,
			Message: fmt.Sprintf("There is no Berth in %s.", config.DataFolder),
			Hint:    "Name its data folder with --data.folder (BERTH_DATA_FOLDER), or start it once with berth serve.",
			Err:     err,
		}
	}
	return store.Open(ctx, config.ledgerFile())
}

func dataFolderProblem(path string, err error) error {
	return &controller.Problem{
		Kind:    controller.KindUnavailable,
		Message: fmt.Sprintf("The data folder %s cannot be used.", path),
		Hint:    "Give it to the user that Berth runs as, or name another with --data.folder (BERTH_DATA_FOLDER).",
		Err:     err,
	}
}
