package controller

import (
	"context"
	"time"
)

// LookAtVolumes is one look of the watch over volumes, as if it were now.
func (c *Controller) LookAtVolumes(ctx context.Context, now time.Time) error {
	return c.lookAtVolumes(ctx, now)
}
