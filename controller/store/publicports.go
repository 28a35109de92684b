package store

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/app"
	"berth/controller/problem"
)

// CreatePublicPort gives an app a public port, in the place of the one of the same number
// that it has.
func (s *Store) CreatePublicPort(ctx context.Context, port app.PublicPort) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if _, err := queryRoutesOf(ctx, tx, port.App); err != nil {
			return err
		}
		taken := &app.PortTakenError{Port: port.Port}
		err := tx.QueryRowContext(ctx, `SELECT app FROM public_ports WHERE number = ? AND protocol = ? AND app <> ?`,
			port.Port.Number, port.Port.Protocol, port.App).Scan(&taken.App)
		if err == nil {
			return taken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO public_ports (number, protocol, app, service, target) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (number, protocol) DO UPDATE SET service = ?4, target = ?5`,
			port.Port.Number, port.Port.Protocol, port.App, port.Service, port.Target)
		return err
	})
	return failure(err, "create public port %s", port.Port)
}

// DeletePublicPort frees a port of an app; app.ErrNoPort if the app does not have it.
func (s *Store) DeletePublicPort(ctx context.Context, port app.PublicPort) error {
	err := s.writeRow(ctx, `DELETE FROM public_ports WHERE number = ? AND protocol = ? AND app = ?`, port.Port.Number, port.Port.Protocol, port.App)
	if errors.Is(err, problem.ErrNotFound) {
		err = app.ErrNoPort
	}
	return failure(err, "delete public port %s", port.Port)
}

// ListPublicPorts returns the public ports of all apps, by number.
func (s *Store) ListPublicPorts(ctx context.Context) ([]app.PublicPort, error) {
	ports, err := queryPublicPorts(ctx, s.reader)
	return ports, failure(err, "list public ports")
}

func queryPublicPorts(ctx context.Context, from querier) ([]app.PublicPort, error) {
	rows, err := from.QueryContext(ctx, `SELECT number, protocol, app, service, target FROM public_ports ORDER BY number, protocol`)
	return collect(rows, err, func(columns row) (port app.PublicPort, err error) {
		err = columns.Scan(&port.Port.Number, &port.Port.Protocol, &port.App, &port.Service, &port.Target)
		return port, err
	})
}
