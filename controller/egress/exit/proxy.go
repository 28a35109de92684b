package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"sync"

	"berth/controller/address"
	"berth/controller/connections"
	"berth/controller/egress"
)

// target is where an app wants to connect to.
type target struct {
	host string // in its normal form
	port uint16
}

func (t target) String() string { return net.JoinHostPort(t.host, t.portText()) }

func (t target) portText() string { return strconv.Itoa(int(t.port)) }

// parseTarget reads the host and the port of a request to a proxy.
func parseTarget(r *http.Request) (target, error) {
	host, port := r.URL.Hostname(), r.URL.Port()
	switch {
	case r.Method == http.MethodConnect:
		var err error
		if host, port, err = net.SplitHostPort(r.Host); err != nil {
			return target{}, errors.New("CONNECT takes host:port")
		}
	case r.URL.Scheme != "http" || host == "":
		return target{}, errors.New("this is a proxy: it takes CONNECT, or the whole URL of a plain request")
	case port == "":
		port = "80"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	name, ok := egress.NormalHost(host)
	if err != nil || number == 0 || !ok {
		return target{}, errors.New("the host or the port cannot be read")
	}
	return target{name, uint16(number)}, nil
}

// answer lets one request out, or says why not.
func (e *Exit) answer(w http.ResponseWriter, r *http.Request) {
	rule, found := e.ruleOf(r)
	if !found {
		http.Error(w, "This app may not connect to anything.", http.StatusForbidden)
		return
	}
	to, err := parseTarget(r)
	if err != nil {
		http.Error(w, "Berth: "+err.Error()+".", http.StatusBadRequest)
		return
	}
	if !rule.Egress.Allows(to.host, to.port) {
		e.refuse(w, rule, to, NotListed)
		return
	}
	if !e.slots.take(rule.App) {
		http.Error(w, "Berth: this app has too many connections at once.", http.StatusServiceUnavailable)
		return
	}
	defer e.slots.free(rule.App)
	if r.Method == http.MethodConnect {
		e.connect(w, r, rule, to)
		return
	}
	e.forward(w, r, rule, to)
}

// ruleOf finds the rule of the network that a request came in on.
func (e *Exit) ruleOf(r *http.Request) (Rule, bool) {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return Rule{}, false
	}
	near, nearErr := netip.ParseAddrPort(local.String())
	far, farErr := netip.ParseAddrPort(r.RemoteAddr)
	if nearErr != nil || farErr != nil {
		return Rule{}, false
	}
	return e.rules.find(near.Addr(), far.Addr())
}

func (e *Exit) refuse(w http.ResponseWriter, rule Rule, to target, why Why) {
	e.book.add(rule.App, to.String(), why)
	reason := "is not on the list of this app"
	if why == ClosedAddress {
		reason = "leads to an address that apps cannot reach"
	}
	http.Error(w, fmt.Sprintf("Berth: %s %s.", to, reason), http.StatusForbidden)
}

// unreachable says why a host on the list was not reached.
func (e *Exit) unreachable(w http.ResponseWriter, rule Rule, to target, err error) {
	if _, closed := errors.AsType[*address.ClosedError](err); closed {
		e.refuse(w, rule, to, ClosedAddress)
		return
	}
	e.logger.Debug("reach a host of a list", "app", rule.App, "error", err)
	http.Error(w, fmt.Sprintf("Berth: %s cannot be reached.", to), http.StatusBadGateway)
}

// connect passes on the bytes of a connection.
func (e *Exit) connect(w http.ResponseWriter, r *http.Request, rule Rule, to target) {
	far, err := e.dial(r.Context(), to.host, to.portText())
	if err != nil {
		e.unreachable(w, rule, to, err)
		return
	}
	defer func() { _ = far.Close() }()
	near, err := connections.TakeOver(w, far)
	if err != nil {
		return
	}
	defer func() { _ = near.Close() }()
	exchange(near, far)
}

// exchange copies both ways until both have ended, or one fails.
func exchange(near, far net.Conn) {
	var up sync.WaitGroup
	up.Go(func() { pass(far, near) })
	pass(near, far)
	up.Wait()
}

// pass copies to the end and passes the end on. After a failure nothing more can come
// the other way either.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, can := to.(interface{ CloseWrite() error })
	if err != nil || !can || half.CloseWrite() != nil {
		_ = to.Close()
		_ = from.Close()
	}
}

// forward passes on a plain request, to the host of its URL whatever its headers say.
func (e *Exit) forward(w http.ResponseWriter, r *http.Request, rule Rule, to target) {
	(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.Out.Host = p.In.URL.Host },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx, to.host, to.portText()) },
		},
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(e.logger.Handler(), slog.LevelDebug),
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { e.unreachable(w, rule, to, err) },
	}).ServeHTTP(w, r)
}
