// Package app holds an app, its releases, and their rules: types and parsers, without an
// engine.
package app

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"berth/controller/docker"
	"berth/controller/label"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/traefik"
)

// Name is the name of an app as ParseName accepts it: 1 to 40 lower-case letters, digits
// and inner hyphens. So it is a DNS label.
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

// Wanted is the state that the operator asked for; the reconciler makes it true.
type Wanted string

// The values of Wanted.
const (
	WantedRunning Wanted = "running"
	WantedStopped Wanted = "stopped"
	// WantedDeleted is the promise to remove every trace. The row goes last.
	WantedDeleted Wanted = "deleted"
)

// State is the one word that pages show for an app, by the engine's last state.
type State string

// The states of an app. A page shows the word and a colour.
const (
	Waiting   State = "waiting"   // no live release yet
	Running   State = "running"   // its live release runs
	Stopped   State = "stopped"   // stopped by the operator, or by Berth with the service that the routes lead to
	Unhealthy State = "unhealthy" // it runs, but its health check fails, or Berth has stopped another of its services
	Crashing  State = "crashing"  // the engine restarts it again and again
	Down      State = "down"      // it should run, but does not
	Deleting  State = "deleting"  // its removal is under way
)

// Observed is the watcher's last observation of an app's live instance.
type Observed struct {
	State  State
	Detail string // a sentence for the person, empty when all is well
	At     time.Time
}

// What the detail of an observation says of an end; events are told apart by it.
const (
	OutOfMemory   = "ran out of memory"
	EndedWithCode = "ended with exit code"
)

// Usage is the present use of an app, summed over its instances.
type Usage struct {
	MemoryBytes int64
	MemoryLimit int64
	CPUPercent  float64 // of one core
	At          time.Time
}

// App is one deployed application: its claims (name, routes) and its wanted state.
type App struct {
	Name   Name
	Routes []traefik.Route // at least one
	// Destinations are those of the routes that do not lead to the main service's own port.
	Destinations map[traefik.Route]Destination

	Settings  Settings       // for its next upload; the live release has its own
	Mounts    []Mount        // for its next upload, like Settings
	Access    traefik.Access // at the moment; not part of a release
	Wanted    Wanted
	Live      int64 // number of the live release; 0 before the first
	Observed  Observed
	Halted    []HaltedService // services that Berth has stopped; for a stopped app, the reason
	CreatedAt time.Time
	Labels    label.Labels
	// Handle is what the engine and the folders know the app by, whatever its name is; empty
	// is its name. It never changes.
	Handle Name

	Variables []Variable // variables that CreateApp saves; FindEnvironment reads them
}

// severity orders the states, the worst last.
var severity = []State{Running, Unhealthy, Crashing, Down, Stopped}

// WorseThan reports whether the state is a worse one than the other's.
func (o Observed) WorseThan(other Observed) bool {
	return slices.Index(severity, o.State) > slices.Index(severity, other.State)
}

// Detail adds the name of the service if there are several.
func (r Release) Detail(run ServiceRun, text string) string {
	if len(r.Services) < 2 || text == "" {
		return text
	}
	return run.Spec.Name + ": " + text
}

// Plus adds a sample of an instance. Its share of the CPU is counted since the sample
// before, which may be the zero Usage.
func (u Usage) Plus(now, before docker.Usage) Usage {
	u.MemoryBytes += now.MemoryBytes
	u.MemoryLimit += now.MemoryLimit
	u.At = now.At
	if elapsed := now.At.Sub(before.At); !before.At.IsZero() && elapsed > 0 && now.CPUNanos >= before.CPUNanos {
		u.CPUPercent += 100 * float64(now.CPUNanos-before.CPUNanos) / float64(elapsed.Nanoseconds())
	}
	return u
}

// Writers returns the running services that write, by volume.
func (a App) Writers(live Release) map[volume.Name][]string {
	writers := make(map[volume.Name][]string)
	for _, run := range live.Services {
		if a.Halts(run) != nil {
			continue
		}
		for _, name := range run.Watched(live) {
			if !slices.Contains(writers[name], run.Spec.Name) {
				writers[name] = append(writers[name], run.Spec.Name)
			}
		}
	}
	return writers
}
