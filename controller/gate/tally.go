package gate

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"berth/controller/connections"
)

const tallyInterval = 10 * time.Second

// tally counts what was closed, so that the log gets one line for many.
type tally struct {
	mu      sync.Mutex
	refused int
	late    int
	last    net.Addr
}

func (t *tally) refuse(from net.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused++
	t.last = from
}

func (t *tally) tooSlow(from net.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late++
	t.last = from
}

// Run writes a line every ten seconds where there is something to say.
func (t *tally) Run(ctx context.Context, logger *slog.Logger) error {
	ticker := time.NewTicker(tallyInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		t.mu.Lock()
		refused, late, last := t.refused, t.late, t.last
		t.refused, t.late = 0, 0
		t.mu.Unlock()
		if refused+late > 0 {
			logger.Warn("connections were closed", "over_the_limit", refused, "too_slow", late,
				"last_address", connections.Neighbourhood(last).String())
		}
	}
}
