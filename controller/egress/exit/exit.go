// Package exit is the only way out of the networks of apps that may not connect to
// everything (`berth egress`): a proxy with a list for each app, and a DNS server that
// answers nothing. Networks of apps lead here and nowhere else; what a connection says of
// itself decides nothing.
package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"berth/controller/address"

	"golang.org/x/sync/errgroup"
)

// The ports on each network of an app.
const (
	ProxyPort = 3128
	dnsPort   = 53
)

const (
	headTimeout = 10 * time.Second
	idleTimeout = time.Minute
	mostHead    = 64 << 10
	shutdown    = 3 * time.Second
)

// Options say what the exit keeps from everybody, and who tells it the lists.
type Options struct {
	Pool    netip.Prefix // the networks of apps, which nothing reaches through the exit
	Private bool         // private addresses outside the pool may be on a list
	Orders  io.Reader    // from the controller
	Reports io.Writer    // to the controller
	Logger  *slog.Logger
}

// Exit connects apps to what is on their lists.
type Exit struct {
	may    func(netip.Addr) bool // be reached at all
	rules  rules
	book   *book
	talk   *talk
	slots  *slots
	logger *slog.Logger
}

// New returns an exit that lets nothing out until it is told a list.
func New(o Options) *Exit {
	e := &Exit{may: address.Guard{Never: []netip.Prefix{o.Pool}, Private: o.Private}.Allows, book: newBook(), slots: newSlots(), logger: o.Logger}
	e.talk = &talk{exit: e, in: o.Orders, out: o.Reports, since: time.Now().UTC()}
	return e
}

// Run serves until ctx ends, or nobody can tell it anything any more.
func (e *Exit) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(ProxyPort))
	if err != nil {
		return fmt.Errorf("open the proxy of the exit: %w", err)
	}
	group.Go(func() error { return e.serve(ctx, listener) })
	group.Go(func() error { return refuseNames(ctx, dnsPort) })
	group.Go(func() error { return e.talk.report(ctx) })
	deaf := make(chan error, 1)
	go func() { deaf <- e.talk.listen() }() // a read cannot be ended
	group.Go(func() error {
		select {
		case err := <-deaf:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

func (e *Exit) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: http.HandlerFunc(e.answer), ReadHeaderTimeout: headTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: mostHead,
		ErrorLog: slog.NewLogLogger(e.logger.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the proxy of the exit: %w", err)
	}
	return nil
}
