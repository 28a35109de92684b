// Package broker is the door in front of the engine's socket: the one process
// that holds it, so that the process with the web pages does not.
//
// It passes everything on as it is. What a compromised controller can ask of the
// engine is not less for it yet; where that will be decided is here.
package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// atOnce is far above what a controller asks at the same moment: a stream or
	// two for each app that is looked at.
	atOnce = 512
)

// ErrEngineGone says that nobody listens on the engine's socket. The socket that
// this process has mounted may be one that the engine has replaced since, so only
// a new process can find it.
var ErrEngineGone = errors.New("nobody listens on the engine's socket")

// Options are what a Broker needs; all are required.
type Options struct {
	Listen string // path of the socket for the controller; made with mode 0660
	Engine string // path of the engine's socket
	Logger *slog.Logger
}

// Broker passes connections on to the engine.
type Broker struct {
	engine   string
	listener net.Listener
	slots    chan struct{}
	logger   *slog.Logger
}

// Listen opens the controller's door, in place of one that an earlier process left.
func Listen(o Options) (*Broker, error) {
	if err := os.Remove(o.Listen); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	listener, err := net.Listen("unix", o.Listen) //nolint:noctx // it returns at once
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	if err := os.Chmod(o.Listen, 0o660); err != nil { //nolint:gosec // the group is the controller's
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), listener.Close())
	}
	return &Broker{engine: o.Engine, listener: listener, slots: make(chan struct{}, atOnce), logger: o.Logger}, nil
}

// Run passes connections on until ctx ends, or the engine is gone: ErrEngineGone.
// It returns when every connection is closed.
func (b *Broker) Run(ctx context.Context) error {
	ctx, fall := context.WithCancelCause(ctx)
	defer fall(nil)
	defer context.AfterFunc(ctx, func() { _ = b.listener.Close() })()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		controller, err := b.listener.Accept()
		if ctx.Err() != nil {
			return unlessAsked(context.Cause(ctx))
		}
		if err != nil {
			fall(err)
			return fmt.Errorf("accept connection: %w", err)
		}
		b.slots <- struct{}{}
		open.Go(func() {
			defer func() { <-b.slots }()
			if err := b.pass(ctx, controller); errors.Is(err, ErrEngineGone) {
				fall(err)
			}
		})
	}
}

// pass carries one connection in both directions until both sides have ended.
func (b *Broker) pass(ctx context.Context, controller net.Conn) error {
	defer func() { _ = controller.Close() }()
	engine, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", b.engine)
	if err != nil {
		b.logger.Warn("reach the engine", "socket", b.engine, "error", err)
		return fmt.Errorf("%w: %w", ErrEngineGone, err)
	}
	defer func() { _ = engine.Close() }()
	defer context.AfterFunc(ctx, func() { _, _ = controller.Close(), engine.Close() })()
	var both sync.WaitGroup
	both.Go(func() { carry(engine, controller) })
	both.Go(func() { carry(controller, engine) })
	both.Wait()
	return nil
}

// carry copies until from ends, and then tells to that no more comes: a build and
// a log stream end by that, while the other direction is still needed.
func carry(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_, _ = to.Close(), from.Close()
}

func unlessAsked(cause error) error {
	if errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}
