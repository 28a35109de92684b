package controller

import (
	"sync"
)

// ServiceView is one service of an app's live release as pages show it.
type ServiceView struct {
	Name     string
	Main     bool
	Image    string // the reference that was pulled; empty where it was built
	Copies   int
	KeptFrom int64 // number of the earlier release that started it; 0 is the live one
	Observed Observed
	Memory   int64 // bytes that its copies take
	HasUsage bool
}

// serviceBook holds what was last seen of each service of the apps that have several.
type serviceBook struct {
	mu   sync.RWMutex
	apps map[AppName]map[string]Observed
}

func newServiceBook() *serviceBook { return &serviceBook{apps: make(map[AppName]map[string]Observed)} }

func (b *serviceBook) enter(app AppName, seen map[string]Observed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(seen) == 0 {
		delete(b.apps, app)
		return
	}
	b.apps[app] = seen
}

func (b *serviceBook) of(app AppName, service string) Observed {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.apps[app][service]
}

// serviceViews are the services of a live release, in the order in which they start;
// none where there is only one.
func (c *Controller) serviceViews(app App, live Release) []ServiceView {
	if len(live.Services) < 2 {
		return nil
	}
	views := make([]ServiceView, 0, len(live.Services))
	for _, run := range live.Services {
		view := ServiceView{
			Name: run.Spec.Name, Main: run.Main, Image: run.Spec.Image, Copies: len(run.Instances),
			KeptFrom: run.KeptFrom, Observed: c.seen.of(app.Name, run.Spec.Name),
		}
		if app.Wanted == WantedStopped {
			view.Observed = Observed{State: AppStopped}
		}
		for _, instance := range run.Instances {
			if taken, ok := c.usage.instance(app.Name, instance); ok {
				view.Memory, view.HasUsage = view.Memory+taken.MemoryBytes, true
			}
		}
		views = append(views, view)
	}
	return views
}
