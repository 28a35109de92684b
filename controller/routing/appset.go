package routing

import (
	"slices"
	"sync"

	"berth/controller/app"
)

// appSet is a set of apps that is safe for concurrent use.
type appSet struct {
	mu   sync.Mutex
	apps map[app.Name]bool
}

func newAppSet() *appSet { return &appSet{apps: make(map[app.Name]bool)} }

func (s *appSet) set(names []app.Name, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if on {
			s.apps[name] = true
		} else {
			delete(s.apps, name)
		}
	}
}

func (s *appSet) has(name app.Name) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apps[name]
}

func (s *appSet) list() []app.Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]app.Name, 0, len(s.apps))
	for name := range s.apps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
