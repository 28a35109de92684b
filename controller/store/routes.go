package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// UpdateRoutes changes the routes of an app, and of those that it takes some from.
func (s *Store) UpdateRoutes(ctx context.Context, name app.Name, change app.RouteChange) (from []app.Name, err error) {
	err = s.writer.Transact(ctx, func(tx *sql.Tx) error {
		found, err := queryRoutesOf(ctx, tx, name)
		if err != nil {
			return err
		}
		before := slices.Clone(found.Routes)
		if found.Routes, err = changeRoutes(found, change); err != nil {
			return err
		}
		if len(found.Routes) == 0 {
			return &app.LastRouteError{App: name}
		}
		if change.TakeOver {
			if from, err = takeRoutes(ctx, tx, name, change.Add); err != nil {
				return err
			}
		} else if err := refuseAcross(ctx, tx, name, without(found.Routes, before)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM routes WHERE app = ?`, name); err != nil {
			return err
		}
		return insertRoutes(ctx, tx, found)
	})
	return from, sqlite.Failure(err, "update routes of %s", name)
}

// changeRoutes gives the routes as they are to be, in order, and changes their
// destinations. To add what is there already changes its destination at most.
func changeRoutes(found app.App, change app.RouteChange) ([]traefik.Route, error) {
	routes, place := found.Routes, -1
	var before app.Destination // of the route at the place
	for _, route := range change.Remove {
		at := slices.Index(routes, route)
		if at < 0 {
			return nil, fmt.Errorf("%s: %w", route, app.ErrNoRoute)
		}
		if place < 0 {
			place, before = at, found.Destinations[route]
		}
		routes = slices.Delete(routes, at, at+1)
		delete(found.Destinations, route)
	}
	for _, route := range change.Add {
		if change.To != nil {
			found.Destinations[route] = *change.To
		} else if place >= 0 && !slices.Contains(routes, route) {
			found.Destinations[route] = before
		}
		switch {
		case slices.Contains(routes, route):
		case place >= 0:
			routes = slices.Insert(routes, min(place, len(routes)), route)
			place = -1
		default:
			routes = append(routes, route)
		}
	}
	return routes, nil
}

// without returns the routes that are not among the others.
func without(routes, others []traefik.Route) []traefik.Route {
	return slices.DeleteFunc(slices.Clone(routes), func(route traefik.Route) bool { return slices.Contains(others, route) })
}

// takeRoutes removes the routes from the apps that have them. What is wanted deleted
// can lose its last one.
func takeRoutes(ctx context.Context, tx *sql.Tx, name app.Name, routes []traefik.Route) ([]app.Name, error) {
	var from []app.Name
	for _, route := range routes {
		var owner app.Name
		err := tx.QueryRowContext(ctx, `
DELETE FROM routes WHERE host = ? AND path = ? AND app <> ? RETURNING app`, route.Host, route.Path, name).Scan(&owner)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(from, owner) {
			from = append(from, owner)
		}
	}
	for _, owner := range from {
		var left bool
		err := tx.QueryRowContext(ctx, `
SELECT wanted = 'deleted' OR EXISTS (SELECT 1 FROM routes WHERE app = name) FROM apps WHERE name = ?`, owner).Scan(&left)
		if err != nil {
			return nil, err
		}
		if !left {
			return nil, &app.LastRouteError{App: owner}
		}
	}
	slices.Sort(from)
	return from, nil
}

// queryRoutesOf returns the app with its routes in order, and no more of it;
// problem.ErrNotFound where the app is missing or wanted deleted.
func queryRoutesOf(ctx context.Context, tx *sql.Tx, name app.Name) (app.App, error) {
	found := app.App{Name: name, Destinations: make(map[traefik.Route]app.Destination)}
	var there bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM apps WHERE name = ? AND wanted <> 'deleted')`, name).Scan(&there)
	if err != nil {
		return found, err
	}
	if !there {
		return found, problem.ErrNotFound
	}
	rows, err := tx.QueryContext(ctx, `SELECT host, path, service, port FROM routes WHERE app = ? ORDER BY position`, name)
	found.Routes, err = sqlite.Collect(rows, err, func(columns sqlite.Row) (route traefik.Route, err error) {
		var to app.Destination
		err = columns.Scan(&route.Host, &route.Path, &to.Service, &to.Port)
		if to != (app.Destination{}) {
			found.Destinations[route] = to
		}
		return route, err
	})
	return found, err
}

// routeTaken names the app that has the route.
func routeTaken(ctx context.Context, tx *sql.Tx, route traefik.Route) error {
	taken := &app.RouteTakenError{Route: route}
	err := tx.QueryRowContext(ctx, `SELECT app FROM routes WHERE host = ? AND path = ?`, route.Host, route.Path).Scan(&taken.App)
	if err != nil {
		return err
	}
	return taken
}
