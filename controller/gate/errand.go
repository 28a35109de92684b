package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"berth/controller/connections"
)

const (
	errandReach = 10 * time.Second
	errandStill = 5 * time.Minute
	errands     = 64 // at once
)

// Errands connects the proxy to certificate authorities and DNS providers: it asks
// for names where no network of an app can answer. It speaks HTTP's CONNECT.
type Errands struct {
	Listener net.Listener // of TCP
	Proxy    netip.Addr   // who may ask
	Logger   *slog.Logger

	slots chan struct{}
}

// Run serves until ctx ends.
func (e *Errands) Run(ctx context.Context) error {
	e.slots = make(chan struct{}, errands)
	server := &http.Server{
		Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: errandReach, IdleTimeout: errandReach, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(e.Logger.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(e.Listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("connect proxy outwards: %w", err)
	}
	return nil
}

func (e *Errands) serve(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || from.Addr().Unmap() != e.Proxy || r.Method != http.MethodConnect {
		http.Error(w, "This is for the proxy alone.", http.StatusForbidden)
		return
	}
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	default:
		http.Error(w, "Too many connections.", http.StatusServiceUnavailable)
		return
	}
	far, err := reachOutside(r.Context(), r.Host)
	if err != nil {
		e.Logger.Warn("the proxy wants to reach what cannot be reached", "host", r.Host, "error", err)
		http.Error(w, "It cannot be reached.", http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }()
	connection, err := connections.TakeOver(w, far)
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	near, isTCP := connection.(*net.TCPConn)
	if !isTCP {
		return
	}
	exchange(near, far)
}

// reachOutside refuses what is this container's own, or only this machine's.
func reachOutside(ctx context.Context, address string) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, errandReach)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	far, isTCP := connection.(*net.TCPConn)
	remote := connections.Address(connection.RemoteAddr())
	if !isTCP || remote.IsLoopback() || remote.IsLinkLocalUnicast() || remote.IsUnspecified() {
		_ = connection.Close()
		return nil, fmt.Errorf("%s is not outside", remote)
	}
	return far, nil
}

// exchange copies both ways until one fails, or both have ended.
func exchange(near, far *net.TCPConn) {
	cut := func() {
		_ = near.Close()
		_ = far.Close()
	}
	var up sync.WaitGroup
	up.Go(func() {
		if err := carry(far, near, errandStill, func(int64) {}); err != nil {
			cut()
		}
	})
	if err := carry(near, far, errandStill, func(int64) {}); err != nil {
		cut()
	} else {
		defer time.AfterFunc(farewell, cut).Stop()
	}
	up.Wait()
}
