package release

import (
	"sync"

	"berth/controller/app"
	"berth/controller/docker"
)

// NetworkID names a network of an app: that of one release, or the app's own with
// release 0.
type NetworkID struct {
	App     app.Name
	Release int64
}

// NetworkIDOf names a network that the engine knows.
func NetworkIDOf(network docker.Network) NetworkID {
	return NetworkID{App: app.Name(network.App), Release: network.Release}
}

// Owned is what a pass leaves alone, because a release in the ledger owns it. The zero
// value is not usable.
type Owned struct {
	Instances map[string]bool // by name
	Networks  map[NetworkID]bool
}

// NewOwned returns a set of nothing.
func NewOwned() *Owned {
	return &Owned{Instances: make(map[string]bool), Networks: make(map[NetworkID]bool)}
}

// Add adds instances by name, and networks.
func (o *Owned) Add(instances []string, networks ...NetworkID) {
	for _, name := range instances {
		o.Instances[name] = true
	}
	for _, network := range networks {
		o.Networks[network] = true
	}
}

// AddUnderWay adds what a release that is under way has, and may have in a moment.
func (o *Owned) AddUnderWay(release app.Release) {
	// The plan of the release decides which of the two networks it needs.
	o.Add(release.Instances, NetworkID{App: release.App}, NetworkID{App: release.App, Release: release.Number})
}

// retiring knows the instances and networks that are being drained and removed, so that
// a pass in the meantime does not take them for orphans. It is safe for concurrent use.
type retiring struct {
	mu        sync.Mutex
	instances map[string]int // how many removals hold it
	networks  map[NetworkID]int
	all       sync.WaitGroup
}

func newRetiring() *retiring {
	return &retiring{instances: make(map[string]int), networks: make(map[NetworkID]int)}
}

func (r *retiring) hasInstance(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.instances[name] > 0
}

func (r *retiring) hasNetwork(id NetworkID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.networks[id] > 0
}

// run removes in the background. The instances and networks count as retiring until
// remove returns; then is called after that, where remove reports that it is due.
func (r *retiring) run(instances []string, networks []NetworkID, remove func() bool, then func()) {
	r.count(instances, networks, 1)
	r.all.Go(func() {
		due := remove()
		r.count(instances, networks, -1)
		if due {
			then()
		}
	})
}

func (r *retiring) count(instances []string, networks []NetworkID, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range instances {
		if r.instances[name] += by; r.instances[name] == 0 {
			delete(r.instances, name)
		}
	}
	for _, id := range networks {
		if r.networks[id] += by; r.networks[id] == 0 {
			delete(r.networks, id)
		}
	}
}

func (r *retiring) wait() { r.all.Wait() }
