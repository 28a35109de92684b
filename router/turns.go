package router

import (
	"context"
	"sync"

	"berth/controller"
)

// turns lets one request at a time deploy what is held under a key: of two clicks the
// second sees what the first came to.
type turns struct {
	mu   sync.Mutex
	busy map[controller.HeldKey]chan struct{}
}

func newTurns() *turns { return &turns{busy: make(map[controller.HeldKey]chan struct{})} }

// take waits for the key's turn; done ends it.
func (t *turns) take(ctx context.Context, key controller.HeldKey) (done func(), err error) {
	for {
		t.mu.Lock()
		before, busy := t.busy[key]
		if !busy {
			mine := make(chan struct{})
			t.busy[key] = mine
			t.mu.Unlock()
			return func() { t.end(key, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *turns) end(key controller.HeldKey, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, key)
	close(mine)
}
