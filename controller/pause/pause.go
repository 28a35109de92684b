// Package pause waits for a time to pass, and for a context to end where that is sooner.
package pause

import (
	"context"
	"time"
)

// For waits for d. It returns the context's error where ctx ends before.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
