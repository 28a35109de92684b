package controller

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"berth/controller/docker"
	"berth/controller/volume"
	"berth/traefik"
)

// Engine is what the story asks of the container engine. docker.Engine is the
// one there is; a cluster would be another behind the same verbs, so nothing
// here assumes that an app is one container on this machine.
type Engine interface {
	Ping(ctx context.Context) error

	Build(ctx context.Context, o docker.BuildOptions, log func(line string)) (docker.Image, error)
	FindImage(ctx context.Context, id string) (docker.Image, error)
	// PullImage returns an image of a registry, or the one that is there already.
	PullImage(ctx context.Context, o docker.PullOptions, log func(line string)) (image docker.Image, digest string, err error)
	// FindPulled is PullImage without asking a registry; problem.ErrNotFound where it is not there.
	FindPulled(ctx context.Context, reference string) (image docker.Image, digest string, err error)
	RemoveImage(ctx context.Context, id string) error

	// EnsureNetwork makes the app's network, or with a release that release's own.
	EnsureNetwork(ctx context.Context, app string, release int64) (docker.Network, error)
	Networks(ctx context.Context) ([]docker.Network, error)
	// RemoveNetwork lets instances that are on another network too leave it first.
	RemoveNetwork(ctx context.Context, app string, release int64) error
	Connect(ctx context.Context, instance string, network docker.Network, aliases []string) error
	JoinProxy(ctx context.Context) error
	VolumeName(name volume.Name) string

	InstanceName(app string, release int64, service string) string
	Start(ctx context.Context, o docker.StartOptions) (docker.Instance, error)
	// EnsureSecrets puts back the files in memory that an instance has lost with a
	// restart of the engine, by the options that it was started with.
	EnsureSecrets(ctx context.Context, o docker.StartOptions) error
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Instances(ctx context.Context) ([]docker.Instance, error)
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string, grace time.Duration) error
	Restart(ctx context.Context, name string, grace time.Duration) error
	Retire(ctx context.Context, name string, grace time.Duration) error
	RemoveApp(ctx context.Context, app string) error
	// Accessories are what was made for releases beside instances and networks, in the
	// order in which they can be removed; where a part of them cannot be listed, the
	// rest is returned beside the error.
	Accessories(ctx context.Context) ([]docker.Accessory, error)
	// RemoveAccessory leaves alone what something uses.
	RemoveAccessory(ctx context.Context, accessory docker.Accessory) error

	Watch(ctx context.Context, each func(docker.Event)) error
	Tail(ctx context.Context, name string, o docker.TailOptions, each func(docker.Line) error) error
	Usage(ctx context.Context, name string) (docker.Usage, error)
	// Listening calls each with the TCP addresses on which an instance listens, at once and
	// whenever they change, until ctx ends. An instance that is started again is another.
	Listening(ctx context.Context, name string, each func([]netip.AddrPort)) error
}

// Proxy is the running proxy, asked as visitors ask it and over its verify entry point.
type Proxy interface {
	// Probe asks target for path through the proxy, on the route that only the
	// controller can use, and returns the status of the answer.
	Probe(ctx context.Context, target traefik.Target, path string) (status int, err error)
	// Visit asks for a path and query as a visitor of the host would, of any host where
	// it is empty, and follows no redirect.
	Visit(ctx context.Context, host traefik.Host, address *url.URL) (traefik.Page, error)
}
