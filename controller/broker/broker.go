// Package broker is the door in front of the engine's socket: the one process
// that holds it, so that the process with the web pages does not.
//
// It knows the calls that the controller makes, and no other. What a call asks for is
// decoded into the engine's own types, held against the hardening policy and the owner of
// what it names, and written anew: bytes of the controller never reach the engine, but for
// the streams of builds, archives and sessions.
package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"time"

	"github.com/docker/docker/api/types/registry"

	"berth/controller/docker/link"
	"berth/controller/pause"
)

const (
	dialTimeout = 5 * time.Second
	headTimeout = 10 * time.Second
	bodyTimeout = 4 * time.Second // until a body in JSON is whole
	// atOnce is far above what a controller asks at the same moment: a stream or
	// two for each app that is looked at.
	atOnce = 512
	// endingTime is what an engine takes between closing its socket and its end. A container
	// that ends in that time is started twice by the next engine (20.10, with live-restore),
	// which then takes the one that runs for ended.
	endingTime = 5 * time.Second
	engineHost = "engine" // the name in requests; the socket is what is dialled
)

// ErrEngineGone says that nobody listens on the engine's socket. The socket that
// this process has mounted may be one that the engine has replaced since, so only
// a new process can find it.
var ErrEngineGone = errors.New("nobody listens on the engine's socket")

// Options are what a Broker needs; all are required.
type Options struct {
	Listen string // path of the socket for the controller; made with mode 0660
	Engine string // path of the engine's socket
	Policy Policy
	Logger *slog.Logger
}

// Broker passes on what the policy allows.
type Broker struct {
	policy    Policy
	listener  net.Listener
	transport http.RoundTripper
	logger    *slog.Logger
	slots     chan struct{}
	refused   refusals
	gone      chan error // that the engine does not listen any more
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
	b := &Broker{policy: o.Policy, listener: listener, logger: o.Logger, slots: make(chan struct{}, atOnce), gone: make(chan error, 1)}
	b.refused.report.Since = time.Now().UTC()
	b.transport = &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return b.dial(ctx, o.Engine) },
		DisableCompression: true,
		MaxIdleConns:       16, MaxIdleConnsPerHost: 16,
		IdleConnTimeout: time.Minute,
	}
	return b, nil
}

func (b *Broker) dial(ctx context.Context, engine string) (net.Conn, error) {
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", engine)
	if err != nil && ctx.Err() == nil {
		b.logger.Warn("reach the engine", "socket", engine, "error", err)
		select {
		case b.gone <- fmt.Errorf("%w: %w", ErrEngineGone, err):
		default:
		}
	}
	return connection, err
}

// Run answers until ctx ends, or the engine has been gone for a while: ErrEngineGone. It
// returns when every connection is closed.
func (b *Broker) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: b, ReadHeaderTimeout: headTimeout, MaxHeaderBytes: mostPath + mostQuery + 16<<10,
		ErrorLog:    slog.NewLogLogger(b.logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(b.listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-b.gone:
		_ = pause.For(ctx, endingTime)
	case err = <-ended:
		return fmt.Errorf("accept connection: %w", err)
	}
	closed := server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		return errors.Join(err, served)
	}
	return errors.Join(err, closed)
}

// Refused counts the calls that were refused.
func (b *Broker) Refused() int64 { return b.refused.all().Refused }

// ServeHTTP judges one call and passes it on.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-r.Context().Done():
		return
	}
	if r.Method == http.MethodGet && r.RequestURI == link.BrokerPath {
		b.tell(w)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	judged, err := b.judge(r)
	if err != nil {
		b.answer(w, r, err) // the deadline stays: what is left of a body is not waited for
		return
	}
	_ = control.SetReadDeadline(time.Time{}) // streams take as long as they take
	body, length, err := judged.send(r)
	if err != nil {
		b.answer(w, r, err)
		return
	}
	(&httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { judged.rewrite(p, body, length) },
		Transport:     b.transport,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(b.logger.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			b.answer(w, r, fmt.Errorf("ask the engine: %w", err))
		},
	}).ServeHTTP(w, r)
}

// send is what the engine gets as the body: the judged value, written anew, or a stream.
func (c *call) send(r *http.Request) (body io.ReadCloser, length int64, err error) {
	switch {
	case c.body != nil:
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, 0, fmt.Errorf("write the call: %w", err)
		}
		return io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	case c.verb.body == streamed:
		return r.Body, r.ContentLength, nil
	default:
		return http.NoBody, 0, nil
	}
}

// streamHeaders are those of the calls that pass a stream or a connection.
var streamHeaders = []string{
	"Content-Type", "X-Docker-Expose-Session-Uuid", "X-Docker-Expose-Session-Name", "X-Docker-Expose-Session-Sharedkey", "X-Docker-Expose-Session-Grpc-Method",
}

// rewrite makes the request that the engine gets, from what was judged alone.
func (c *call) rewrite(p *httputil.ProxyRequest, body io.ReadCloser, length int64) {
	p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", engineHost, engineHost
	p.Out.URL.Path, p.Out.URL.RawQuery = c.uri()
	p.Out.URL.RawPath, p.Out.URL.Opaque = "", ""
	kept := http.Header{}
	switch {
	case c.body != nil:
		kept.Set("Content-Type", "application/json")
	case c.verb.body == streamed, c.verb.body == upgraded:
		for _, name := range streamHeaders {
			if values := p.Out.Header.Values(name); len(values) > 0 {
				kept[name] = values
			}
		}
	}
	if c.verb.body == upgraded { // the proxy has taken both out and put them back
		kept["Connection"], kept["Upgrade"] = p.Out.Header["Connection"], p.Out.Header["Upgrade"]
	}
	if c.login != "" {
		kept.Set(registry.AuthHeader, c.login)
	}
	kept.Set("User-Agent", "berth-broker")
	p.Out.Header = kept
	p.Out.Trailer = nil
	p.Out.Body, p.Out.ContentLength, p.Out.TransferEncoding = body, length, nil
}

// answer tells the controller why a call was not passed on, in the engine's own form. A
// refusal is logged with its field and never with a value.
func (b *Broker) answer(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadGateway
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case refused: // also where the deadline for its body has ended the context
		status = refusal.Status
		b.refused.add(refusal)
		b.logger.Warn("refused a call of the controller", "field", refusal.Field, "reason", refusal.Reason)
	case r.Context().Err() != nil:
		return
	case errors.Is(err, errGone):
		status = http.StatusNotFound
	default:
		b.logger.Warn("pass a call on", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // what is left of the body is not waited for
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()})
}
