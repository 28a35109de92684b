// Package docker turns plans into images and images into hardened instances, over the Docker Engine API.
package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"
)

// How long the engine may take to answer. A build has no limit of its own: the
// caller's context is its limit.
const (
	callTimeout    = 30 * time.Second // a call that only reads, or changes a record
	processTimeout = 60 * time.Second // a call that creates or starts a container
	cleanupTimeout = 30 * time.Second // what is left to do after the caller has gone
)

// defaultStack is the name of the stack where Options names none.
const defaultStack = "berth"

// stackPattern keeps a stack's name usable as the start of an image, container
// and network name alike.
var stackPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// Options says which engine to use, and for which stack.
type Options struct {
	// Host is the engine's address, unix:// or tcp://; empty is the platform's socket.
	Host string
	// Stack prefixes every name in the engine; empty is "berth".
	Stack string
	// Cgroup is the engine's parent of the cgroups of instances: "/NAME", or "NAME.slice"
	// where systemd keeps them. Empty is the engine's own, which builds are below too.
	Cgroup string
	// SubnetPool is where app networks get their /27 from.
	SubnetPool netip.Prefix
	// Reserved is left out of SubnetPool: the network between proxy and controller.
	Reserved []netip.Prefix
	// Helper is the static program that works in volumes, run as "PROGRAM
	// helper"; empty is the one that runs.
	Helper string
	Logger *slog.Logger
}

// Engine is one Docker Engine, seen by one stack: it changes nothing that does
// not carry the stack's label. It may be used by many goroutines.
type Engine struct {
	client  *client.Client
	stack   string
	cgroup  string // empty: the engine's own
	subnets subnetPool
	helpers *helpers
	logger  *slog.Logger

	// patience is for how long a stream may be silent before the engine is asked about it.
	patience time.Duration

	accounts accountBook

	// networkMutex makes choosing a subnet and taking it one step.
	networkMutex sync.Mutex

	agreeing sync.Mutex
	agreed   atomic.Bool
}

// Open returns the engine at options.Host. It does not connect: Ping does.
func Open(options Options) (*Engine, error) {
	if options.Stack == "" {
		options.Stack = defaultStack
	}
	if !stackPattern.MatchString(options.Stack) {
		return nil, fmt.Errorf("stack name %q: use lower-case letters, digits and inner hyphens", options.Stack)
	}
	if options.Host == "" {
		options.Host = client.DefaultDockerHost
	}
	if !strings.HasPrefix(options.Host, "unix://") && !strings.HasPrefix(options.Host, "tcp://") {
		return nil, fmt.Errorf("engine address %q: use unix:///path/to/docker.sock or tcp://host:port", options.Host)
	}
	subnets, err := newSubnetPool(options.SubnetPool, options.Reserved)
	if err != nil {
		return nil, err
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	connection, err := client.NewClientWithOpts(client.WithHost(options.Host))
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return &Engine{
		client: connection, stack: options.Stack, cgroup: options.Cgroup, subnets: subnets,
		helpers: newHelpers(options.Helper), logger: options.Logger,
		patience: callTimeout,
	}, nil
}

// Close gives the connections back. Calls under way are not interrupted.
func (e *Engine) Close() error { return e.client.Close() }

// Ping asks whether the engine answers; ErrUnavailable where it does not.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := within(ctx, callTimeout)
	defer cancel()
	_, err := e.api(ctx).Ping(ctx)
	return failure(ctx, "ping engine", err)
}

// Version returns the engine's own version, such as "28.5.2".
func (e *Engine) Version(ctx context.Context) (string, error) {
	ctx, cancel := within(ctx, callTimeout)
	defer cancel()
	version, err := e.api(ctx).ServerVersion(ctx)
	if err != nil {
		return "", failure(ctx, "read engine version", err)
	}
	return version.Version, nil
}

// api returns the client, once it has agreed on a version with the engine. The
// client can do that by itself, but not while others use it. An engine that
// does not answer is left to the call that follows to report.
func (e *Engine) api(ctx context.Context) *client.Client {
	if e.agreed.Load() {
		return e.client
	}
	e.agreeing.Lock()
	defer e.agreeing.Unlock()
	if e.agreed.Load() {
		return e.client
	}
	if answer, err := e.client.Ping(ctx); err == nil {
		e.client.NegotiateAPIVersionPing(answer)
		e.agreed.Store(true)
	}
	return e.client
}

// within gives one call to the engine its deadline. Passing it means that the
// engine does not answer, unlike the caller's own deadline.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, ErrUnavailable)
}

// afterwards is for work that must be finished although ctx may be cancelled.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return within(context.WithoutCancel(ctx), cleanupTimeout)
}

// notFoundIsFine drops ErrNotFound, for what wants a thing gone.
func notFoundIsFine(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
