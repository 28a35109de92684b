package router

import (
	"context"
	"slices"
	"sync"
	"time"

	"berth/controller"
	"berth/controller/alert"
)

// troubleFor is how long pages take the last answer: each of them asks.
const troubleFor = 5 * time.Second

// troubleCache keeps whether anything is wrong. It is safe for concurrent use; the zero
// value is ready.
type troubleCache struct {
	mu    sync.Mutex
	asked time.Time
	found bool
}

// of reports whether an app is down, crashes or was never deployed, or an alert fires.
// Where the ledger cannot tell, the last answer stands.
func (c *troubleCache) of(v *visit) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := v.admin.now(); now.Sub(c.asked) >= troubleFor {
		if found, err := v.admin.findTrouble(v.context()); err == nil {
			c.asked, c.found = now, found
		}
	}
	return c.found
}

func (a *admin) findTrouble(ctx context.Context) (bool, error) {
	book, err := a.alerts.View(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(book.States, func(s alert.State) bool { return s.Phase == alert.Firing }) {
		return true, nil
	}
	views, err := a.apps.Apps(ctx)
	return slices.ContainsFunc(views, func(view controller.AppView) bool { return badgeOf(view).Tone == toneBad }), err
}
