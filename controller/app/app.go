// Package app holds an app, its releases, and what may be said of them: types and
// parsers that know no engine.
package app

import (
	"fmt"
	"regexp"
	"time"

	"berth/controller/problem"
	"berth/traefik"
)

// Name is the name of an app as ParseName accepted it: 1 to 40 lower-case
// letters, digits and inner hyphens, so that it is a DNS label as it stands.
type Name string

// NamePattern matches the names of apps.
var NamePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ParseName returns s as a Name, or a Problem of problem.KindInvalid.
func ParseName(s string) (Name, error) {
	if NamePattern.MatchString(s) {
		return Name(s), nil
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.60q is not a name for an app.", s),
		"Use 1 to 40 lower-case letters, digits and hyphens, with a letter or digit at both ends, such as my-app.",
	).At("name")
}

// Wanted is what the operator asked of an app; the reconciler makes it so.
type Wanted string

// What an operator can want of an app.
const (
	WantedRunning Wanted = "running"
	WantedStopped Wanted = "stopped"
	// WantedDeleted is the promise to remove every trace; the row goes last.
	WantedDeleted Wanted = "deleted"
)

// State is the one word that pages show for an app, as last observed in the engine.
type State string

// The states of an app. A page shows the word and a colour.
const (
	Waiting   State = "waiting"   // it has no live release yet
	Running   State = "running"   // its live release runs
	Stopped   State = "stopped"   // the operator stopped it, or Berth did with what its routes lead to
	Unhealthy State = "unhealthy" // it runs, and its own health check says no, or Berth has stopped another service of it
	Crashing  State = "crashing"  // the engine restarts it again and again
	Down      State = "down"      // it should run and does not
	Deleting  State = "deleting"  // its removal is under way
)

// Observed is what the watcher last saw of an app's live instance.
type Observed struct {
	State  State
	Detail string // a sentence for the person, empty when all is well
	At     time.Time
}

// Usage is what an app takes at the moment, summed over its instances.
type Usage struct {
	MemoryBytes int64
	MemoryLimit int64
	CPUPercent  float64 // of one core
	At          time.Time
}

// App is one deployed application: its claims (name, routes) and what is wanted of it.
type App struct {
	Name      Name
	Routes    []traefik.Route // at least one
	Settings  Settings        // for its next upload; the live release has its own
	Mounts    []Mount         // as Settings
	Access    traefik.Access  // to the app as it is at the moment; no part of a release
	Wanted    Wanted
	Live      int64 // number of the live release; 0 before the first
	Observed  Observed
	Halted    []HaltedService // that Berth has stopped; of an app that is wanted stopped, why
	CreatedAt time.Time

	Variables []Variable // that CreateApp saves for it; FindEnvironment reads them
}
