package release

import (
	"context"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/firstpage"
	"berth/controller/problem"
	"berth/traefik"
)

// assetsTimeout is to look at the first page and all that it names.
const assetsTimeout = 20 * time.Second

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

// seekAssets looks at the first route of an app.
func (c *Shipper) seekAssets(ctx context.Context, app app.App) problem.Remedy {
	if len(app.Routes) == 0 || c.hasWholeHost(app) {
		return problem.Remedy{}
	}
	return firstpage.Missing(ctx, c.proxy, app.Routes[0])
}

// hasWholeHost reports whether a route of the app is a host alone, or every address
// that no other app has: there its pages find their files.
func (c *Shipper) hasWholeHost(app app.App) bool {
	return c.routes.HasName(app.Name) || slices.ContainsFunc(app.Routes, func(r traefik.Route) bool { return r.Path == "/" })
}
