package store

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// CreatePublicPort gives an app a public port, in the place of the one of the same number
// that it has.
func (s *Store) CreatePublicPort(ctx context.Context, port app.PublicPort) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
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
	return sqlite.Failure(err, "create public port %s", port.Port)
}

// DeletePublicPort frees a port of an app; app.ErrNoPort if the app does not have it.
func (s *Store) DeletePublicPort(ctx context.Context, port app.PublicPort) error {
	err := s.writer.ExecRow(ctx, `DELETE FROM public_ports WHERE number = ? AND protocol = ? AND app = ?`, port.Port.Number, port.Port.Protocol, port.App)
	if errors.Is(err, problem.ErrNotFound) {
		err = app.ErrNoPort
	}
	return sqlite.Failure(err, "delete public port %s", port.Port)
}

// ListPublicPorts returns the public ports of all apps, by number.
func (s *Store) ListPublicPorts(ctx context.Context) ([]app.PublicPort, error) {
	ports, err := queryPublicPorts(ctx, s.reader)
	return ports, sqlite.Failure(err, "list public ports")
}

func queryPublicPorts(ctx context.Context, from sqlite.Querier) ([]app.PublicPort, error) {
	rows, err := from.QueryContext(ctx, `SELECT number, protocol, app, service, target FROM public_ports ORDER BY number, protocol`)
	return sqlite.Collect(rows, err, func(columns sqlite.Row) (port app.PublicPort, err error) {
		err = columns.Scan(&port.Port.Number, &port.Port.Protocol, &port.App, &port.Service, &port.Target)
		return port, err
	})
}
