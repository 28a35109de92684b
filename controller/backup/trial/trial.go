// Package trial starts the apps of a restored backup aside, to prove that they would run again.
package trial

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/volume"
)

const (
	appTimeout = 5 * time.Minute  // for one app to be ready
	endTimeout = 30 * time.Second // to remove one of its instances
	// serviceAside begins the names of services in a trial. What they print and use is shown
	// under these names, and nobody takes it for that of the app which serves people.
	serviceAside = "drill-"
)

// NetworkNumber is the number of an app's network in a trial, in place of a release's. No
// app has that many releases.
const NetworkNumber = 1 << 40

// Ledger is the restored one.
type Ledger interface {
	ListApps(context.Context) ([]app.App, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// Engine starts instances. docker.Engine is the one there is.
type Engine interface {
	InstanceName(app string, release int64, service string) string
	VolumeName(volume.Name) string
	RemoveNetwork(ctx context.Context, app string, release int64) error
	Start(context.Context, docker.StartOptions) (docker.Instance, error)
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Listening(ctx context.Context, name string, each func([]netip.AddrPort)) error
	Tail(ctx context.Context, name string, options docker.TailOptions, each func(docker.Line) error) error
	Retire(ctx context.Context, name string, grace time.Duration) error
}

// Releases knows how an instance of a restored release is started, on a network of the
// NetworkNumber.
type Releases interface {
	StartOptionsOf(context.Context, app.App, app.Release, app.ServiceRun, string) (docker.StartOptions, error)
	MaskOf(context.Context, app.Release) (*environment.Mask, error)
}

// Options are what a trial needs. Every field is required.
type Options struct {
	Ledger   Ledger
	Releases Releases
	Engine   Engine
	// Restored is the throw-away volume that holds what a volume held.
	Restored func(volume.Name) volume.Name
	// Aside begins work. Until it ends, the reconciler leaves the instances and the app's
	// network of the NetworkNumber alone. After a crash it removes them, because no release
	// owns them.
	Aside func(instances []string, name app.Name, work func())
	Told  func(app.Name) // before each app
	// Failed is told the whole error of an app that did not start.
	Failed func(app.Name, error)
}

// Result is how one app of the backup did.
type Result struct {
	App     app.Name      `json:"app"`
	Release int64         `json:"release,omitempty"` // 0: nothing of it was live
	Stopped bool          `json:"stopped,omitempty"` // so it was not started
	Took    time.Duration `json:"took,omitempty"`
	Reason  string        `json:"reason,omitempty"` // why it did not start; safe to show
}

// Run starts the apps that ran when the backup was made, one after the other: with the
// images, the limits, the variables and the restored volumes, on a network that leads
// nowhere and without a route. It proves each by its health check, else by what it listens
// on, and removes it.
func Run(ctx context.Context, o Options) ([]Result, error) {
	apps, err := o.Ledger.ListApps(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the apps of the backup: %w", err)
	}
	results := make([]Result, 0, len(apps))
	for _, found := range apps {
		result := Result{App: found.Name, Release: found.Live, Stopped: found.Live == 0 || found.Wanted != app.WantedRunning}
		if !result.Stopped {
			o.Told(found.Name)
			began := time.Now()
			err := o.try(ctx, found)
			if result.Took = time.Since(began); err != nil {
				result.Reason = reason(err)
				o.Failed(found.Name, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}

// try starts one app and removes it.
func (o Options) try(ctx context.Context, found app.App) error {
	live, err := o.Ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
	if err != nil {
		return err
	}
	mask, err := o.Releases.MaskOf(ctx, live)
	if err != nil {
		return err
	}
	t := &trial{Options: o, app: found, live: live, mask: mask}
	names := make([]string, 0, len(live.Services))
	for _, run := range live.Services {
		names = append(names, t.nameOf(run))
	}
	ended := make(chan error, 1)
	o.Aside(names, found.Name, func() { ended <- t.run(ctx, names) })
	return <-ended
}
