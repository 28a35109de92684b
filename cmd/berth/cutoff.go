//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"berth/controller/backup/restore"
	"berth/controller/problem"
)

// settleRestore refuses to begin in the middle of the restore of a server, whose process
// may have ended: with a ledger of its own the restore could not go on. It takes back what
// a restore of volumes has left.
func settleRestore(ctx context.Context, config Config, logger *slog.Logger) error {
	cut, err := restore.CutOff(config.DataFolder)
	underWay := errors.Is(err, restore.ErrUnderWay)
	if err != nil && !underWay {
		return fmt.Errorf("look for a restore: %w", err)
	}
	there, err := hasLedger(config)
	switch {
	case err != nil:
		return err
	case underWay && !there && (cut == nil || cut.Server):
		return problem.Conflict("A restore into "+config.DataFolder+" is under way.", "Start Berth once it has ended.")
	case underWay || cut == nil:
		return nil
	case cut.Server && !there:
		return problem.Conflict(
			fmt.Sprintf("The restore of the backup %s into %s was cut off.", cut.Set, config.DataFolder),
			"Run berth restore again, which begins anew, or berth restore --give-up, which removes what it has made.",
		)
	}
	if _, err := giveUpRestore(ctx, config, logger); err != nil {
		logger.Warn("take back what a restore has left; the next start tries it again", "error", err)
	}
	return nil
}

// giveUpRestore takes back what a restore has left, and returns nil where there was none.
func giveUpRestore(ctx context.Context, config Config, logger *slog.Logger) (*restore.Journal, error) {
	engine, err := openEngine(ctx, config, nil, nil, logger)
	if err != nil {
		return nil, err
	}
	defer func() { _ = engine.Close() }()
	cut, err := restore.Options{Keeper: engine, DataFolder: config.DataFolder, ACMEFolder: config.ACMEFolder}.GiveUp(ctx)
	if cut != nil && err == nil {
		logger.Info("removed what a restore has made that was cut off", "backup", cut.Set, "began", cut.BeganAt.Format(time.RFC3339), "volumes", cut.Volumes)
	}
	return cut, err
}

// giveUp is what --give-up does.
func (p *program) giveUp(ctx context.Context, config Config, logger *slog.Logger) error {
	cut, err := giveUpRestore(ctx, config, logger)
	if err != nil {
		return err
	}
	said := "No restore was cut off here: there is nothing to give up."
	if cut != nil {
		said = fmt.Sprintf("The restore of the backup %s is given up. What it had made is removed.", cut.Set)
	}
	_, err = fmt.Fprintln(p.stdout, said)
	return err
}
