package keeper

import (
	"errors"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/egress/exit"
	"berth/controller/problem"
)

// mostKept is how many hosts are kept for an app; those that were refused longest ago go.
const mostKept = 100

// Refused is a host that an app wanted to connect to.
type Refused struct {
	To    string // host:port, or "other hosts"
	Why   exit.Why
	Count int64 // since the controller began
	Last  time.Time
}

// CanAllow reports whether the host could be put on the list.
func (r Refused) CanAllow() bool { return r.Why == exit.NotListed && r.To != exit.OtherHosts }

type entryKey struct {
	app app.Name
	to  string
	why exit.Why
}

// entry counts over several exits: each counts from 1.
type entry struct {
	before int64 // by exits before
	now    int64 // by the exit that runs
	since  time.Time
	last   time.Time
}

// book keeps what was refused, by app.
type book struct {
	mu  sync.Mutex
	all map[entryKey]*entry
}

func newBook() *book { return &book{all: make(map[entryKey]*entry)} }

// add takes a report, and returns the apps of which something changed.
func (b *book) add(report exit.Report) []app.Name {
	b.mu.Lock()
	defer b.mu.Unlock()
	var changed []app.Name
	for _, refusal := range report.Refused {
		key := entryKey{app.Name(refusal.App), refusal.To, refusal.Why}
		found := b.all[key]
		if found == nil {
			found = &entry{since: report.Since}
			b.all[key] = found
		}
		if !found.since.Equal(report.Since) {
			found.before, found.now, found.since = found.before+found.now, 0, report.Since
		}
		if found.now == refusal.Count && found.last.Equal(refusal.Last) {
			continue
		}
		found.now, found.last = refusal.Count, refusal.Last
		if !slices.Contains(changed, key.app) {
			changed = append(changed, key.app)
		}
	}
	for _, name := range changed {
		b.bound(name)
	}
	return changed
}

// bound forgets the oldest of an app that has too many.
func (b *book) bound(name app.Name) {
	var keys []entryKey
	for key := range b.all {
		if key.app == name {
			keys = append(keys, key)
		}
	}
	if len(keys) <= mostKept {
		return
	}
	slices.SortFunc(keys, func(x, y entryKey) int { return b.all[y].last.Compare(b.all[x].last) })
	for _, key := range keys[mostKept:] {
		delete(b.all, key)
	}
}

// of returns what was refused to an app, the latest first.
func (b *book) of(name app.Name) []Refused {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Refused
	for key, entry := range b.all {
		if key.app == name {
			found = append(found, Refused{To: key.to, Why: key.why, Count: entry.before + entry.now, Last: entry.last})
		}
	}
	slices.SortFunc(found, func(x, y Refused) int { return y.Last.Compare(x.Last) })
	return found
}

func isMissing(err error) bool { return errors.Is(err, problem.ErrNotFound) }
