package controller

import (
	"context"
	"sync"
)

// appLocks holds one lock an app, for the short moments in which its live
// instance changes: promote, start, stop, delete, repair.
type appLocks struct {
	mu   sync.Mutex
	held map[AppName]chan struct{}
}

func newAppLocks() *appLocks { return &appLocks{held: make(map[AppName]chan struct{})} }

// lock waits for the lock of app, or for ctx to end.
func (l *appLocks) lock(ctx context.Context, app AppName) (unlock func(), err error) {
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

func (l *appLocks) release(app AppName, mine chan struct{}) {
	l.mu.Lock()
	delete(l.held, app)
	l.mu.Unlock()
	close(mine)
}
