// Package quiet remembers the instances that ran undisturbed when the engine was asked about them, so that a pass of the
// reconciler asks only about the others.
package quiet

import (
	"sync"
	"time"

	"berth/controller/docker"
)

// rememberFor bounds how long an answer counts. The engine's events can be lost.
const rememberFor = 10 * time.Minute

// Book holds the engine's answers about instances that run. An answer counts until the
// engine tells that something happened to the instance. The zero value is ready.
type Book struct {
	mu     sync.Mutex
	known  map[string]entry // by the instance's ID
	events uint64           // that the engine has told
}

type entry struct {
	instance docker.Instance
	at       time.Time
}

// Mark is a moment between two events of the engine.
type Mark uint64

// Mark returns the present moment. Take it before the engine is asked.
func (b *Book) Mark() Mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Mark(b.events)
}

// Note keeps the engine's answer about an instance, unless the engine has told an event
// since the mark: the answer may be older than the event.
func (b *Book) Note(instance docker.Instance, since Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if uint64(since) != b.events {
		return
	}
	if b.known == nil {
		b.known = make(map[string]entry)
	}
	b.known[instance.ID] = entry{instance, time.Now()}
}

// Find returns the answer about an instance, if the engine's list shows the instance as
// the answer does.
func (b *Book) Find(listed docker.Instance) (docker.Instance, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.known[listed.ID]
	if !ok || time.Since(found.at) > rememberFor {
		return docker.Instance{}, false
	}
	was, is := found.instance.Condition, listed.Condition
	if was.Running != is.Running || was.Restarting != is.Restarting || was.Health != is.Health {
		return docker.Instance{}, false
	}
	return found.instance, true
}

// Hear forgets the instance of an event.
func (b *Book) Hear(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events++
	for id, found := range b.known {
		if found.instance.Name == name {
			delete(b.known, id)
		}
	}
}

// Forget forgets all answers. Call it where events may have been missed.
func (b *Book) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events++
	clear(b.known)
}

// KeepOnly forgets the instances that the engine's list does not hold.
func (b *Book) KeepOnly(listed []docker.Instance) {
	there := make(map[string]bool, len(listed))
	for _, instance := range listed {
		there[instance.ID] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.known {
		if !there[id] {
			delete(b.known, id)
		}
	}
}
