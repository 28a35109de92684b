package firstpage

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/pause"
	"berth/controller/problem"
	"berth/traefik"
)

// visitPause lies between two visits: the app has other visitors.
const visitPause = 20 * time.Millisecond

// Proxy is the running proxy, asked as visitors ask it.
type Proxy interface {
	// Visit asks for a path and query as a visitor of the host would, of any host where
	// it is empty, and follows no redirect.
	Visit(ctx context.Context, host traefik.Host, address *url.URL) (traefik.Page, error)
}

// Missing asks for the first page of a route as a visitor does, under the app's own rules,
// and for what the page looks for outside of the route's path. A file counts that nobody
// answers for there and that the app has below its path. Whom the rules keep out, and
// what is redirected, tells nothing.
func Missing(ctx context.Context, proxy Proxy, route traefik.Route) (remedy problem.Remedy) {
	at := &url.URL{Scheme: "http", Host: "app.invalid", Path: string(route.Path) + "/"}
	page, err := proxy.Visit(ctx, route.Host, at)
	if err != nil || page.Status != http.StatusOK || !strings.HasPrefix(page.ContentType, "text/html") {
		return problem.Remedy{}
	}
	for _, asset := range Assets(page.Body, at) {
		if strings.HasPrefix(asset.Path, at.Path) || !isMissing(ctx, proxy, route, asset) {
			continue
		}
		if remedy.Missing++; remedy.Missing == 1 {
			remedy.MissingFile = asset.RequestURI()
		}
	}
	return remedy
}

// isMissing reports whether the address is nobody's, and the app's own below its path.
func isMissing(ctx context.Context, proxy Proxy, route traefik.Route, asset *url.URL) bool {
	below := *asset
	below.Path, below.RawPath = string(route.Path)+asset.Path, ""
	if asset.RawPath != "" {
		below.RawPath = string(route.Path) + asset.RawPath
	}
	for _, visit := range []struct {
		address *url.URL
		status  int
	}{{asset, http.StatusNotFound}, {&below, http.StatusOK}} {
		if pause.For(ctx, visitPause) != nil {
			return false
		}
		if page, err := proxy.Visit(ctx, route.Host, visit.address); err != nil || page.Status != visit.status {
			return false
		}
	}
	return true
}
