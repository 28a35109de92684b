package exit

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// mostOfBook is how many hosts of one app are counted each by itself.
const mostOfBook = 100

// OtherHosts counts what comes after those.
const OtherHosts = "other hosts"

// Why says why an app was not connected.
type Why string

// The reasons.
const (
	NotListed     Why = "list"    // the host is not on the app's list
	ClosedAddress Why = "address" // the name leads to an address that no app reaches
)

// Refusal counts what was refused to one app for one host since the exit began.
type Refusal struct {
	App   string    `json:"app"`
	To    string    `json:"to"` // host:port, or "other hosts"
	Why   Why       `json:"why"`
	Count int64     `json:"count"`
	Last  time.Time `json:"last"`
}

type bookKey struct {
	app, to string
	why     Why
}

// book counts refusals, with a bound for each app.
type book struct {
	mu    sync.Mutex
	all   map[bookKey]*Refusal
	hosts map[string]int // how many of all are of the app
	fresh map[bookKey]bool
}

func newBook() *book {
	return &book{all: make(map[bookKey]*Refusal), hosts: make(map[string]int), fresh: make(map[bookKey]bool)}
}

func (b *book) add(app, to string, why Why) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := bookKey{app, to, why}
	if b.all[key] == nil && b.hosts[app] >= mostOfBook {
		key = bookKey{app, OtherHosts, NotListed}
	}
	found := b.all[key]
	if found == nil {
		found = &Refusal{App: app, To: key.to, Why: key.why}
		b.all[key] = found
		b.hosts[app]++
	}
	found.Count++
	found.Last = time.Now().UTC()
	b.fresh[key] = true
}

// news are the refusals that changed since it was asked last, or all.
func (b *book) news(all bool) []Refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	told := make([]Refusal, 0, len(b.fresh))
	for key, refusal := range b.all {
		if all || b.fresh[key] {
			told = append(told, *refusal)
		}
	}
	clear(b.fresh)
	slices.SortFunc(told, func(x, y Refusal) int { return cmp.Or(cmp.Compare(x.App, y.App), cmp.Compare(x.To, y.To)) })
	return told
}

// keepOnly forgets the apps that have no rule any more.
func (b *book) keepOnly(rules []Rule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.all {
		if !slices.ContainsFunc(rules, func(rule Rule) bool { return rule.App == key.app }) {
			delete(b.all, key)
			delete(b.fresh, key)
			delete(b.hosts, key.app)
		}
	}
}
