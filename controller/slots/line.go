// Package slots gives out build slots to releases: first come, first served.
package slots

import (
	"context"
	"slices"
	"sync"

	"berth/controller/app"
)

// Line is where releases wait for a build slot: first come, first served.
type Line struct {
	mu      sync.Mutex
	free    int
	waiting []*turn
}

type turn struct {
	id    app.ReleaseID
	ready chan struct{}
}

// New returns a line for so many slots.
func New(slots int) *Line { return &Line{free: slots} }

// Enter waits for a slot, or returns the error of ctx. The caller
// must call Leave after a nil error.
func (l *Line) Enter(ctx context.Context, id app.ReleaseID) error {
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	mine := &turn{id: id, ready: make(chan struct{})}
	l.waiting = append(l.waiting, mine)
	l.mu.Unlock()

	select {
	case <-mine.ready:
		return nil
	case <-ctx.Done():
		l.giveUp(mine)
		return ctx.Err()
	}
}

// Leave gives the slot to the next in the line.
func (l *Line) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.free++
		return
	}
	next := l.waiting[0]
	l.waiting = l.waiting[1:]
	close(next.ready)
}

// Place is the place in the line: 1 is next, 0 is not waiting.
func (l *Line) Place(id app.ReleaseID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1 + slices.IndexFunc(l.waiting, func(t *turn) bool { return t.id == id })
}

// giveUp leaves the line; a slot that was handed over in the same moment goes on to the next.
func (l *Line) giveUp(mine *turn) {
	l.mu.Lock()
	i := slices.Index(l.waiting, mine)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 {
		l.Leave()
	}
}
