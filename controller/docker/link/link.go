// Package link reaches one engine for one stack: it knows the stack's own by label and name, and what the engine's failures mean.
package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"berth/controller/handle"
)

// How long the engine may take to answer. A build has no limit of its own: the
// caller's context is its limit.
const (
	CallTimeout    = 30 * time.Second // a call that only reads, or changes a record
	ProcessTimeout = 60 * time.Second // a call that creates or starts a container
	cleanupTimeout = 30 * time.Second // what is left to do after the caller has gone
)

// DefaultStack is the name of the stack where Options names none.
const DefaultStack = "berth"

// stackPattern keeps a stack's name usable as the start of an image, container
// and network name alike.
var stackPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// Link reaches one engine for one stack. It may be used by many goroutines.
type Link struct {
	client *client.Client
	Stack  string
	Logger *slog.Logger
	// Handles are the words that labels and names have for apps that were renamed; nil where
	// none was.
	Handles *handle.Book

	agreeing sync.Mutex
	agreed   atomic.Bool
}

// Open returns the link to the engine at the host, unix:// or tcp://; empty is the
// platform's socket. An empty stack is "berth", and without a logger nothing is logged.
// It does not connect: Ping does.
func Open(host, stack string, logger *slog.Logger) (*Link, error) {
	if stack == "" {
		stack = DefaultStack
	}
	if !stackPattern.MatchString(stack) {
		return nil, fmt.Errorf("stack name %q: use lower-case letters, digits and inner hyphens", stack)
	}
	if host == "" {
		host = client.DefaultDockerHost
	}
	if !strings.HasPrefix(host, "unix://") && !strings.HasPrefix(host, "tcp://") {
		return nil, fmt.Errorf("engine address %q: use unix:///path/to/docker.sock or tcp://host:port", host)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	connection, err := client.NewClientWithOpts(client.WithHost(host))
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return &Link{client: connection, Stack: stack, Logger: logger}, nil
}

// Close gives the connections back. Calls under way are not interrupted.
func (l *Link) Close() error { return l.client.Close() }

// Ping asks whether the engine answers; ErrUnavailable where it does not.
func (l *Link) Ping(ctx context.Context) error {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	_, err := l.API(ctx).Ping(ctx)
	return Failure(ctx, "ping engine", err)
}

// Version returns the engine's own version, such as "28.5.2".
func (l *Link) Version(ctx context.Context) (string, error) {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	version, err := l.API(ctx).ServerVersion(ctx)
	if err != nil {
		return "", Failure(ctx, "read engine version", err)
	}
	return version.Version, nil
}

// API returns the client, once it has agreed on a version with the engine. The
// client can do that by itself, but not while others use it. An engine that
// does not answer is left to the call that follows to report.
func (l *Link) API(ctx context.Context) *client.Client {
	if l.agreed.Load() {
		return l.client
	}
	l.agreeing.Lock()
	defer l.agreeing.Unlock()
	if l.agreed.Load() {
		return l.client
	}
	if answer, err := l.client.Ping(ctx); err == nil {
		l.client.NegotiateAPIVersionPing(answer)
		l.agreed.Store(true)
	}
	return l.client
}

// IsBefore reports whether the API's version, which was agreed on with the engine, is
// an earlier one.
func (l *Link) IsBefore(version string) bool {
	return versions.LessThan(l.client.ClientVersion(), version)
}

// Within gives one call to the engine its deadline. Passing it means that the
// engine does not answer, unlike the caller's own deadline.
func Within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, ErrUnavailable)
}

// Afterwards is for work that must be finished although ctx may be cancelled.
func Afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return Within(context.WithoutCancel(ctx), cleanupTimeout)
}

// NotFoundIsFine drops ErrNotFound, for what wants a thing gone.
func NotFoundIsFine(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
