package controller

import (
	"sync"

	"berth/controller/app"
)

// notices tells subscribers that something of an app changed; what changed they
// read from the ledger. Ticks are coalesced, so a slow subscriber costs nothing.
type notices struct {
	mu   sync.Mutex
	subs map[*subscription]struct{}
}

type subscription struct {
	app  app.Name // empty for all
	tick chan struct{}
}

func newNotices() *notices {
	return &notices{subs: make(map[*subscription]struct{})}
}

// Subscribe returns a channel that ticks when something of the app changed, or
// of any app where app is empty. The caller must call cancel.
func (c *Controller) Subscribe(app app.Name) (ticks <-chan struct{}, cancel func()) {
	return c.notices.subscribe(app)
}

func (n *notices) subscribe(app app.Name) (<-chan struct{}, func()) {
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

func (n *notices) notify(app app.Name) {
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
