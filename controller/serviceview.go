package controller

import (
	"sync"

	"berth/controller/app"
)

// ServiceView is one service of an app's live release as pages show it.
type ServiceView struct {
	Name     string
	Main     bool
	Image    string // the reference that was pulled; empty where it was built
	Copies   int
	KeptFrom int64 // number of the earlier release that started it; 0 is the live one
	Observed app.Observed
	Memory   int64 // bytes that its copies take
	HasUsage bool
}

// serviceBook holds what was last seen of each service of the apps that have several.
type serviceBook struct {
	mu   sync.RWMutex
	apps map[app.Name]map[string]app.Observed
}

func newServiceBook() *serviceBook {
	return &serviceBook{apps: make(map[app.Name]map[string]app.Observed)}
}

func (b *serviceBook) enter(app app.Name, seen map[string]app.Observed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(seen) == 0 {
		delete(b.apps, app)
		return
	}
	b.apps[app] = seen
}

func (b *serviceBook) of(app app.Name, service string) app.Observed {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.apps[app][service]
}

// serviceViews are the services of a live release, in the order in which they start;
// none where there is only one.
func (c *Controller) serviceViews(found app.App, live app.Release) []ServiceView {
	if len(live.Services) < 2 {
		return nil
	}
	views := make([]ServiceView, 0, len(live.Services))
	for _, run := range live.Services {
		view := ServiceView{
			Name: run.Spec.Name, Main: run.Main, Image: run.Spec.Image, Copies: len(run.Instances),
			KeptFrom: run.KeptFrom, Observed: c.seen.of(found.Name, run.Spec.Name),
		}
		if found.Wanted == app.WantedStopped {
			view.Observed = app.Observed{State: app.Stopped}
		}
		for _, instance := range run.Instances {
			if taken, ok := c.usage.Instance(found.Name, instance); ok {
				view.Memory, view.HasUsage = view.Memory+taken.MemoryBytes, true
			}
		}
		views = append(views, view)
	}
	return views
}
