package diagnosis

import (
	"sync"
	"time"

	"berth/controller/docker"
)

const (
	// RestartsToDie is how often an instance ends that is not coming up.
	RestartsToDie = 2
	crashGrace    = 2 * time.Second // unless it answers so soon after the last of these ends
)

// Crashes knows which instances of a release on its way ended again and again. The zero
// value is ready.
type Crashes struct {
	mu    sync.Mutex
	found map[string]crash
}

type crash struct {
	at   time.Time        // when it was seen to have ended often enough; zero before
	last docker.Condition // as it was seen between two starts; zero before
}

// Note remembers how an instance does. One that runs once more after it has ended too
// often is a *DiedError where it is silent and crashGrace is over.
func (c *Crashes) Note(name string, state docker.Condition, silent bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state.Restarts == 0 {
		return nil
	}
	if c.found == nil {
		c.found = make(map[string]crash)
	}
	known := c.found[name]
	defer func() { c.found[name] = known }()
	if !state.Running {
		known.last = state
	}
	if state.Restarts < RestartsToDie {
		return nil
	}
	if known.at.IsZero() {
		known.at = time.Now()
	}
	if !silent || !state.Running || time.Since(known.at) < crashGrace {
		return nil
	}
	if known.last.Restarts == 0 {
		return &DiedError{Condition: state, Unseen: true}
	}
	return &DiedError{Condition: known.last}
}
