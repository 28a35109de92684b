package audit

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	floodWindow = time.Minute
	// floodMost is the most entries of one kind, without an account, that one address
	// gets in a window. One more entry counts the rest.
	floodMost = 300
	// floodKeys is the number of addresses from which sweep forgets the ones without a
	// flood.
	floodKeys = 10_000
)

// floods stops strangers from filling the disk with refusals. Every refusal is in the
// log, as an entry or in a count.
type floods struct {
	now   func() time.Time
	after func(time.Duration, func()) // runs the function later

	mu     sync.Mutex
	floods map[floodKey]*flood
}

type floodKey struct {
	action  Action
	address string
}

type flood struct {
	began time.Time
	count int
}

func newFloods() *floods {
	return &floods{
		now: time.Now, after: func(d time.Duration, do func()) { time.AfterFunc(d, do) },
		floods: make(map[floodKey]*flood),
	}
}

// admit reports whether the event gets an entry of its own. For the first event without
// one, it calls record with the count at the end of the window.
func (f *floods) admit(event Event, record func(Event)) bool {
	stranger := event.Account == "" || event.Account == UnknownAccount || event.Action == ActionRateLimitExceeded
	if event.Success || event.Address == "" || !stranger {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now, key := f.now(), floodKey{event.Action, floodAddress(event.Address)}
	current := f.floods[key]
	if current == nil || now.Sub(current.began) >= floodWindow {
		f.sweep(now)
		current = &flood{began: now}
		f.floods[key] = current
	}
	if current.count++; current.count <= floodMost {
		return true
	}
	if current.count == floodMost+1 {
		f.after(current.began.Add(floodWindow).Sub(now), func() { record(f.tell(event, current)) })
	}
	return false
}

// tell is the entry for the events of a flood that got no entry.
func (f *floods) tell(event Event, ended *flood) Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Event{
		Action: event.Action, Resource: event.Resource, Address: event.Address, UserAgent: event.UserAgent,
		Detail: fmt.Sprintf("%d more like this in the minute from %s", ended.count-floodMost, ended.began.UTC().Format(time.TimeOnly)),
	}
}

// sweep forgets ended floods when there are many.
func (f *floods) sweep(now time.Time) {
	if len(f.floods) < floodKeys {
		return
	}
	for key, one := range f.floods {
		if now.Sub(one.began) >= floodWindow {
			delete(f.floods, key)
		}
	}
}

// floodAddress is the key of an address. For IPv6 it is the network, because one machine
// owns all its addresses.
func floodAddress(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return text
	}
	return network.String()
}
