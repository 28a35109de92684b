package exit

import "sync"

const (
	mostConnections = 512 // of all apps; one costs about 100 KB at most
	mostOfApp       = 128
)

// slots bound the connections that are open at once.
type slots struct {
	mu    sync.Mutex
	total int
	apps  map[string]int
}

func newSlots() *slots { return &slots{apps: make(map[string]int)} }

func (s *slots) take(app string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= mostConnections || s.apps[app] >= mostOfApp {
		return false
	}
	s.total++
	s.apps[app]++
	return true
}

func (s *slots) free(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.apps[app]--; s.apps[app] == 0 {
		delete(s.apps, app)
	}
}
