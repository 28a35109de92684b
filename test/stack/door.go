package stack

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
)

// EngineProxy passes calls on to the engine of this machine. A test that stands between a
// Process and the engine puts it behind a handler of its own.
func EngineProxy() (*httputil.ReverseProxy, error) {
	host := cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock")
	path, local := strings.CutPrefix(host, "unix://")
	if !local {
		return nil, fmt.Errorf("this needs an engine on this machine, and DOCKER_HOST is %s", host)
	}
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		FlushInterval: -1,
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}, nil
}

// ServeSocket serves the handler at a socket until end is called.
func ServeSocket(socket string, handler http.Handler) (end func(), err error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}
