package store

import (
	"context"
	"fmt"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// selectTable gives a row for each route of each routing; the rows of one routing
// follow each other. Each part reads one of the partial indexes, or stops at the first
// row, so its cost does not grow with the history. An app that is stopped, or its main service, or that was never
// live keeps its routes, for a page that says so; one whose first release is under way
// has none yet. Those of a stopped app that has moved lead to the other server,
// and those by the former name of an app to its path of now.
const selectTable = `
SELECT 0 AS proving, r.app AS app, r.number, r.address, coalesce(json_extract(r.readiness, '$.scheme'), ''),
       a.wanted = 'stopped' OR EXISTS (SELECT 1 FROM json_each(a.halted) WHERE json_extract(value, '$.main')),
       EXISTS (SELECT 1 FROM json_each(r.services) WHERE json_extract(value, '$.main') AND json_extract(value, '$.spec.Site')), a.access, t.host, t.path, t.position AS position,
       r.addresses, t.service, t.port, EXISTS (SELECT 1 FROM json_each(a.halted) WHERE json_extract(value, '$.service') = t.service),
       CASE a.wanted WHEN 'stopped' THEN coalesce((SELECT m.target FROM moves m WHERE m.app = a.name AND m.state = 'done'), '') ELSE '' END
FROM releases r JOIN apps a ON a.name = r.app JOIN routes t ON t.app = r.app
WHERE r.state = 'live' AND r.address <> '' AND a.wanted <> 'deleted'
UNION ALL
SELECT 0, a.name, 0, '', '', 1, 0, a.access, t.host, t.path, t.position, '{}', '', 0, 0, ''
FROM apps a JOIN routes t ON t.app = a.name
WHERE a.wanted <> 'deleted'
  AND NOT EXISTS (SELECT 1 FROM releases l WHERE l.app = a.name AND l.state = 'live')
  AND EXISTS (SELECT 1 FROM releases f WHERE f.app = a.name AND f.state IN ('failed', 'cancelled'))
UNION ALL
SELECT 1, r.app, r.number, r.address, coalesce(json_extract(r.readiness, '$.scheme'), ''), 0, 0, a.access, t.host, t.path, t.position, r.addresses, t.service, t.port, 0, ''
FROM releases r JOIN apps a ON a.name = r.app JOIN routes t ON t.app = r.app
WHERE r.finished_at IS NULL AND r.state <> 'queued' AND r.address <> '' AND a.wanted <> 'deleted'
UNION ALL
SELECT 0, f.app, 0, '', '', 1, 0, a.access, f.host, f.path, 0, '{}', '', 0, 0, '/' || f.app
FROM former_routes f JOIN apps a ON a.name = f.app
WHERE a.wanted <> 'deleted' AND EXISTS (SELECT 1 FROM releases l WHERE l.app = f.app AND l.state = 'live' AND l.address <> '')
ORDER BY proving, app, 3, position`

// Table returns the whole route table.
func (s *Store) Table(ctx context.Context) (app.Table, error) {
	// One transaction: a host never has both a route and a redirect in it.
	tx, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return app.Table{}, fmt.Errorf("read route table: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	table, err := queryTable(ctx, tx)
	if err != nil {
		return app.Table{}, fmt.Errorf("read route table: %w", err)
	}
	return table, nil
}

func queryTable(ctx context.Context, from sqlite.Querier) (app.Table, error) {
	routings, err := queryRoutings(ctx, from)
	if err != nil {
		return app.Table{}, err
	}
	redirects, err := queryRedirects(ctx, from)
	if err != nil {
		return app.Table{}, err
	}
	home, err := queryHome(ctx, from)
	if err != nil {
		return app.Table{}, err
	}
	ports, err := queryPublicPorts(ctx, from)
	return app.Table{Routings: routings, Redirects: redirects, Home: home, Ports: ports}, err
}

func queryRoutings(ctx context.Context, from sqlite.Querier) ([]app.Routing, error) {
	rows, err := from.QueryContext(ctx, selectTable)
	repeated, err := sqlite.Collect(rows, err, scanRouting)
	if err != nil {
		return nil, err
	}
	table := repeated[:0]
	for _, routing := range repeated {
		if last := len(table) - 1; last >= 0 && table[last].App == routing.App && table[last].Release == routing.Release {
			table[last].Routes = append(table[last].Routes, routing.Routes...)
			for route, address := range routing.Leads {
				if table[last].Leads == nil {
					table[last].Leads = make(map[traefik.Route]string)
				}
				table[last].Leads[route] = address
			}
			continue
		}
		table = append(table, routing)
	}
	return table, nil
}

func scanRouting(columns sqlite.Row) (routing app.Routing, err error) {
	var (
		route     traefik.Route
		position  int
		addresses map[string]string
		to        app.Destination
		halted    bool
	)
	err = columns.Scan(&routing.Proving, &routing.App, &routing.Release, &routing.Address, &routing.Scheme, &routing.Unavailable, &routing.Site, accessColumn{&routing.Access},
		&route.Host, &route.Path, &position, addressesColumn{&addresses}, &to.Service, &to.Port, &halted, &routing.Moved)
	routing.Routes = []traefik.Route{route}
	switch {
	case to == app.Destination{}:
	case halted:
		routing.Leads = map[traefik.Route]string{route: ""}
	default:
		routing.Leads = map[traefik.Route]string{route: to.Address(routing.Address, addresses)}
	}
	return routing, err
}
