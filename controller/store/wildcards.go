package store

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/app"
	"berth/traefik"
)

// refuseAcross refuses routes that are new to an app where a wildcard would divide hosts
// between apps: below a wildcard of another app, or as a wildcard above another's host. The
// one would take visitors from the wildcard, and the wildcard's app would get the visitors
// of the other host, with their cookies, on the day that the host is given up.
func refuseAcross(ctx context.Context, tx *sql.Tx, name app.Name, routes []traefik.Route) error {
	for _, route := range routes {
		taken := &app.RouteTakenError{}
		err := tx.QueryRowContext(ctx, `
SELECT app, host, path FROM routes
WHERE app <> ?1 AND instr(?2, '.') > 0
  AND (host = '*.' || substr(?2, instr(?2, '.') + 1) AND ?2 <> host
       OR ?2 LIKE '*%' AND host NOT LIKE '*%' AND substr(host, instr(host, '.') + 1) = substr(?2, 3))
ORDER BY host LIMIT 1`, name, route.Host).Scan(&taken.App, &taken.Route.Host, &taken.Route.Path)
		if err == nil {
			return taken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}
