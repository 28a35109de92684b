// Package notice tells subscribers that something of an app changed.
package notice

import (
	"sync"

	"berth/controller/app"
)

// Board tells subscribers that something of an app changed; what changed they
// read from the ledger. Ticks are coalesced, so a slow subscriber costs nothing.
type Board struct {
	mu   sync.Mutex
	subs map[*subscription]struct{}
}

type subscription struct {
	app  app.Name // empty for all
	tick chan struct{}
}

// NewBoard returns a Board without subscribers.
func NewBoard() *Board {
	return &Board{subs: make(map[*subscription]struct{})}
}

// Subscribe returns a channel that ticks when something of the app changed, or
// of any app where app is empty. The caller must call cancel.
func (n *Board) Subscribe(app app.Name) (ticks <-chan struct{}, cancel func()) {
	sub := &subscription{app: app, tick: make(chan struct{}, 1)}
	n.mu.Lock()
	n.subs[sub] = struct{}{}
	n.mu.Unlock()
	return sub.tick, func() {
		n.mu.Lock()
		delete(n.subs, sub)
		n.mu.Unlock()
	}
}

// Notify ticks the subscribers of the app.
func (n *Board) Notify(app app.Name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for sub := range n.subs {
		if sub.app != "" && sub.app != app {
			continue
		}
		select {
		case sub.tick <- struct{}{}:
		default: // a tick is pending already
		}
	}
}
