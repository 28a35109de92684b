package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"berth/controller/account"
	"berth/controller/store"
)

const sweepInterval = time.Hour

// sweepExpired removes sessions that are over and tokens that have long been, until ctx ends. They
// are refused without it; it keeps the ledger small.
func sweepExpired(ctx context.Context, ledger *store.Store, life account.SessionLife, logger *slog.Logger) error {
	tokens := account.NewTokens(ledger, logger)
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		err := errors.Join(ledger.DeleteExpiredSessions(ctx, time.Now(), life), tokens.Sweep(ctx))
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "expired sessions and tokens are not removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
