package release

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/firstpage"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/traefik"
)

const (
	assetsTimeout = 20 * time.Second // to look at the first page and all that it names
	// visitPause lies between two visits: the app has other visitors.
	visitPause = 20 * time.Millisecond
)

// seekAssetsLater looks, once visitors reach the release, whether its first page finds
// its files below the app's path. It is a hint for people: nothing waits for it.
func (s *shipment) seekAssetsLater() {
	c, app, id := s.Shipper, s.app, s.release.ReleaseID
	c.visits.Go(func() {
		ctx, cancel := context.WithTimeout(c.running, assetsTimeout)
		defer cancel()
		remedy := c.seekAssets(ctx, app)
		if remedy == (problem.Remedy{}) {
			return
		}
		if err := c.ledger.UpdateRemedy(ctx, id, remedy); err != nil {
			c.logger.Warn("record missing files of the first page", "release", id.String(), "error", err)
			return
		}
		c.notify(id.App)
	})
}

// seekAssets asks for the first page as a visitor does, under the app's own rules, and
// for what the page looks for outside of the app's path. A file counts that nobody
// answers for there and that the app has below its path. Whom the rules keep out, and
// what is redirected, tells nothing.
func (c *Shipper) seekAssets(ctx context.Context, app app.App) (remedy problem.Remedy) {
	if len(app.Routes) == 0 || c.hasWholeHost(app) {
		return problem.Remedy{}
	}
	route := app.Routes[0]
	at := &url.URL{Scheme: "http", Host: "app.invalid", Path: string(route.Path) + "/"}
	page, err := c.proxy.Visit(ctx, route.Host, at)
	if err != nil || page.Status != http.StatusOK || !strings.HasPrefix(page.ContentType, "text/html") {
		return problem.Remedy{}
	}
	for _, asset := range firstpage.Assets(page.Body, at) {
		if strings.HasPrefix(asset.Path, at.Path) || !c.isMissing(ctx, route, asset) {
			continue
		}
		if remedy.Missing++; remedy.Missing == 1 {
			remedy.MissingFile = asset.RequestURI()
		}
	}
	return remedy
}

// isMissing reports whether the address is nobody's, and the app's own below its path.
func (c *Shipper) isMissing(ctx context.Context, route traefik.Route, asset *url.URL) bool {
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
		if page, err := c.proxy.Visit(ctx, route.Host, visit.address); err != nil || page.Status != visit.status {
			return false
		}
	}
	return true
}

// hasWholeHost reports whether a route of the app is a host alone, or every address
// that no other app has: there its pages find their files.
func (c *Shipper) hasWholeHost(app app.App) bool {
	return c.routes.HasName(app.Name) || slices.ContainsFunc(app.Routes, func(r traefik.Route) bool { return r.Path == "/" })
}
