package app

import (
	"context"
	"sync"
)

// Locks holds one lock for each app, for the short moments in which its live instance
// changes: promote, start, stop, delete, repair.
type Locks struct {
	mu   sync.Mutex
	held map[Name]chan struct{}
}

// NewLocks returns locks that nobody holds.
func NewLocks() *Locks { return &Locks{held: make(map[Name]chan struct{})} }

// Lock waits for the lock of app, or for ctx to end.
func (l *Locks) Lock(ctx context.Context, app Name) (unlock func(), err error) {
	for {
		l.mu.Lock()
		busy, taken := l.held[app]
		if !taken {
			mine := make(chan struct{})
			l.held[app] = mine
			l.mu.Unlock()
			return func() { l.release(app, mine) }, nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *Locks) release(app Name, mine chan struct{}) {
	l.mu.Lock()
	delete(l.held, app)
	l.mu.Unlock()
	close(mine)
}
