package release

import (
	"context"
	"net/netip"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/firstpage"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/traefik"
)

// Ledger records how a release goes on. Every method is one transaction; a missing
// row is problem.ErrNotFound.
type Ledger interface {
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	// Advance enters a state that is under way, and appends the step.
	Advance(context.Context, app.ReleaseID, app.ReleaseState) error
	// CountResumption counts that another process goes on with a release, and returns how
	// often that happened.
	CountResumption(context.Context, app.ReleaseID) (int, error)
	// UpdateServices records Services, Image, Digest, Instances and Address of the release.
	UpdateServices(context.Context, app.Release) error
	ClearArchive(context.Context, app.ReleaseID) error
	// UpdatePort makes port the release's, and the app's where that has none.
	UpdatePort(ctx context.Context, id app.ReleaseID, port uint16) error
	// UpdateRemedy records what would mend a release that is about to fail.
	UpdateRemedy(context.Context, app.ReleaseID, problem.Remedy) error
	// Finish enters failed or cancelled with the reason and hint; a no-op when final already.
	Finish(ctx context.Context, id app.ReleaseID, state app.ReleaseState, reason, hint string, at time.Time) error
	// Promote is the commit point: id becomes live, the former live release
	// superseded, and the app wanted running, also where it was stopped; it
	// returns the whole route table of the same transaction. problem.ErrNotFound where
	// the app is wanted deleted.
	Promote(ctx context.Context, id app.ReleaseID, at time.Time) (app.Table, error)
}

// History is what the ledger knows of an app and of its other releases.
type History interface {
	FindApp(context.Context, app.Name) (app.App, error)
	// FindEnvironmentOf returns what a release runs with, by name.
	FindEnvironmentOf(context.Context, app.ReleaseID) ([]app.Variable, error)
	ListReleases(context.Context, app.Name) ([]app.Release, error) // newest first, at most 50
	// ListRunnable returns the releases of the app whose images are kept: newest first,
	// those under way, the live and superseded ones, but none that failed.
	ListRunnable(context.Context, app.Name) ([]app.Release, error)
}

// Images are those of the engine.
type Images interface {
	Build(ctx context.Context, o docker.BuildOptions, log func(line string)) (docker.Image, error)
	FindImage(ctx context.Context, id string) (docker.Image, error)
	// PullImage returns an image of a registry, or the one that is there already.
	PullImage(ctx context.Context, o docker.PullOptions, log func(line string)) (image docker.Image, digest string, err error)
	// FindPulled is PullImage without asking a registry; docker.ErrNotFound where it is not there.
	FindPulled(ctx context.Context, reference string) (image docker.Image, digest string, err error)
	RemoveImage(ctx context.Context, id string) error
}

// Engine runs the instances of releases.
type Engine interface {
	// EnsureNetwork makes the app's network, or with a release that release's own.
	EnsureNetwork(ctx context.Context, app string, release int64) (docker.Network, error)
	// RemoveNetwork lets instances that are on another network too leave it first.
	RemoveNetwork(ctx context.Context, app string, release int64) error
	Connect(ctx context.Context, instance string, network docker.Network, aliases []string) error
	VolumeName(name volume.Name) string
	InstanceName(app string, release int64, service string) string
	Start(ctx context.Context, o docker.StartOptions) (docker.Instance, error)
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string, grace time.Duration) error
	Retire(ctx context.Context, name string, grace time.Duration) error
	Tail(ctx context.Context, name string, o docker.TailOptions, each func(docker.Line) error) error
	// Listening calls each with the TCP addresses on which an instance listens, at once and
	// whenever they change, until ctx ends. An instance that is started again is another.
	Listening(ctx context.Context, name string, each func([]netip.AddrPort)) error
}

// Proxy is the running proxy, asked as visitors ask it and over its verify entry point.
type Proxy interface {
	// Probe asks target for path through the proxy, on the route that only the
	// controller can use, and returns the status of the answer.
	Probe(ctx context.Context, target traefik.Target, path string) (status int, err error)
	firstpage.Proxy
}
