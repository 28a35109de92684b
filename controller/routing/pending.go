package routing

import (
	"slices"
	"sync"

	"berth/controller/app"
)

// routesPending knows the apps whose routes the proxy has not confirmed.
type routesPending struct {
	mu   sync.Mutex
	apps map[app.Name]bool
}

func newRoutesPending() *routesPending { return &routesPending{apps: make(map[app.Name]bool)} }

func (p *routesPending) set(names []app.Name, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if on {
			p.apps[name] = true
		} else {
			delete(p.apps, name)
		}
	}
}

func (p *routesPending) list() []app.Name {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]app.Name, 0, len(p.apps))
	for name := range p.apps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
