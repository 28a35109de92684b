package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// UpdateRoutes changes the routes of an app, and of those that it takes some from.
func (s *Store) UpdateRoutes(ctx context.Context, name app.Name, change app.RouteChange) (from []app.Name, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		routes, err := queryRoutesOf(ctx, tx, name)
		if err != nil {
			return err
		}
		if routes, err = changeRoutes(routes, change); err != nil {
			return err
		}
		if len(routes) == 0 {
			return &app.LastRouteError{App: name}
		}
		if change.TakeOver {
			if from, err = takeRoutes(ctx, tx, name, change.Add); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM routes WHERE app = ?`, name); err != nil {
			return err
		}
		return insertRoutes(ctx, tx, app.App{Name: name, Routes: routes})
	})
	return from, failure(err, "update routes of %s", name)
}

// changeRoutes gives the routes as they are to be, in order. To add what is there
// already changes nothing.
func changeRoutes(routes []traefik.Route, change app.RouteChange) ([]traefik.Route, error) {
	place := -1
	for _, route := range change.Remove {
		at := slices.Index(routes, route)
		if at < 0 {
			return nil, fmt.Errorf("%s: %w", route, app.ErrNoRoute)
		}
		if place < 0 {
			place = at
		}
		routes = slices.Delete(routes, at, at+1)
	}
	for _, route := range change.Add {
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

// queryRoutesOf returns the routes in order; problem.ErrNotFound where the app is missing or
// wanted deleted.
func queryRoutesOf(ctx context.Context, tx *sql.Tx, name app.Name) ([]traefik.Route, error) {
	var there bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM apps WHERE name = ? AND wanted <> 'deleted')`, name).Scan(&there)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, problem.ErrNotFound
	}
	rows, err := tx.QueryContext(ctx, `SELECT host, path FROM routes WHERE app = ? ORDER BY position`, name)
	return collect(rows, err, func(columns row) (route traefik.Route, err error) {
		err = columns.Scan(&route.Host, &route.Path)
		return route, err
	})
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
