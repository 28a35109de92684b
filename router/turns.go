package router

import (
	"context"
	"sync"
)

// turns lets one request at a time deploy what has a key, a controller.HeldKey or a
// repeatKey: of two clicks the second sees what the first came to.
type turns struct {
	mu   sync.Mutex
	busy map[any]chan struct{}
}

func newTurns() *turns { return &turns{busy: make(map[any]chan struct{})} }

// try takes the key's turn where nobody has it; done ends it.
func (t *turns) try(key any) (done func(), free bool) {
	done, before := t.enter(key)
	return done, before == nil
}

// take waits for the key's turn; done ends it.
func (t *turns) take(ctx context.Context, key any) (done func(), err error) {
	for {
		done, before := t.enter(key)
		if before == nil {
			return done, nil
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter returns done, or what is closed when the turn of another one ends.
func (t *turns) enter(key any) (done func(), before chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := t.busy[key]; other != nil {
		return nil, other
	}
	mine := make(chan struct{})
	t.busy[key] = mine
	return func() { t.end(key, mine) }, nil
}

func (t *turns) end(key any, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, key)
	close(mine)
}
