// Package docker turns plans into images and images into hardened instances, over the Docker Engine API. Callers see this
// package alone; what it does with images, networks and helpers is in the rooms below it.
package docker

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"berth/controller/docker/exits"
	"berth/controller/docker/helper"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/controller/docker/traces"
	"berth/controller/handle"
	"berth/controller/volume"
)

// Options says which engine to use, and for which stack.
type Options struct {
	// Host is the engine's address, unix:// or tcp://; empty is the platform's socket.
	Host string
	// Stack prefixes every name in the engine; empty is "berth".
	Stack string
	// Cgroup is the engine's parent of the cgroups of instances: "/NAME", or "NAME.slice"
	// where systemd keeps them. Empty is the engine's own, which builds are below too.
	Cgroup string
	// LayerBytes is how much an instance with a writable root file system may write into
	// it, where the engine's storage driver can bound that; zero leaves it unbounded.
	LayerBytes int64
	// SubnetPool is where app networks get their /27 from.
	SubnetPool netip.Prefix
	// Reserved is left out of SubnetPool: the network between proxy and controller.
	Reserved []netip.Prefix
	// PrivateEgress lets the lists of apps name private addresses outside SubnetPool.
	PrivateEgress bool
	// Helper is the static program that works in volumes, run as "PROGRAM
	// helper"; empty is the one that runs.
	Helper string
	// Transfer is the folder of the stack's volume for sockets between this process and its
	// helpers in volumes; empty: the engine carries what they read and write.
	Transfer string
	// Pulls remembers which images were pulled; nil where none is to be removed again.
	Pulls  images.Pulls
	Logger *slog.Logger
	// Handles are the words for apps that were renamed; nil where none was.
	Handles *handle.Book
}

// Engine is one Docker Engine, seen by one stack: it changes nothing that does
// not carry the stack's label. It may be used by many goroutines.
type Engine struct {
	*images.Images
	*networks.Bridges
	*helper.Helpers
	*exits.Exits

	link   *link.Link
	cgroup string // empty: the engine's own
	layers layerBound

	// patience is for how long a stream may be silent before the engine is asked about it.
	patience time.Duration

	accounts accountBook
}

// Open returns the engine at options.Host. It does not connect: Ping does.
func Open(options Options) (*Engine, error) {
	reached, err := link.Open(options.Host, options.Stack, options.Logger)
	if err != nil {
		return nil, err
	}
	reached.Handles = options.Handles
	bridges, err := networks.New(reached, options.SubnetPool, options.Reserved)
	if err != nil {
		return nil, errors.Join(err, reached.Close())
	}
	helpers, kept := helper.New(reached, options.Helper), images.New(reached)
	kept.Pulls, helpers.Transfer = options.Pulls, options.Transfer
	return &Engine{
		Images: kept, Bridges: bridges, Helpers: helpers,
		Exits: exits.New(reached, bridges, helpers, options.SubnetPool, options.PrivateEgress),
		link:  reached, cgroup: options.Cgroup, layers: layerBound{bytes: options.LayerBytes}, patience: link.CallTimeout,
	}, nil
}

// Close gives the connections back. Calls under way are not interrupted.
func (e *Engine) Close() error { return e.link.Close() }

// Ping asks whether the engine answers; ErrUnavailable where it does not.
func (e *Engine) Ping(ctx context.Context) error { return e.link.Ping(ctx) }

// Version returns the engine's own version, such as "28.5.2".
func (e *Engine) Version(ctx context.Context) (string, error) { return e.link.Version(ctx) }

// InstanceName returns the container name of one service of a release, which is
// also its DNS name on the app's network. It is known before the container is.
func (e *Engine) InstanceName(app string, release int64, service string) string {
	return e.link.InstanceName(app, release, service)
}

// VolumeName returns the engine's name of a volume.
func (e *Engine) VolumeName(name volume.Name) string { return e.link.VolumeName(name) }

// Inspect looks one instance up by its name. ErrNotFound where there is none,
// or one of another stack.
func (e *Engine) Inspect(ctx context.Context, name string) (link.Instance, error) {
	return e.link.Inspect(ctx, name)
}

// BrokerReport tells what the broker refused; ErrNoBroker where there is none.
func (e *Engine) BrokerReport(ctx context.Context) (link.BrokerReport, error) {
	return e.link.BrokerReport(ctx)
}

// Instances returns all instances of the stack, stopped ones too, without their
// Condition, which Inspect tells.
func (e *Engine) Instances(ctx context.Context) ([]link.Instance, error) {
	return e.link.Instances(ctx)
}

// Traces returns what the containers of the stack tell of their apps.
func (e *Engine) Traces(ctx context.Context) ([]traces.Trace, error) {
	return traces.Read(ctx, e.link)
}
