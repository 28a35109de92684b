package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// homeSetting is where "/" leads that no app has, as a route in text.
const homeSetting = "home_route"

// CreateRedirect lets a host redirect to another.
func (s *Store) CreateRedirect(ctx context.Context, redirect traefik.Redirect) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		present, err := queryRedirects(ctx, tx)
		if err != nil {
			return err
		}
		to := map[traefik.Host]traefik.Host{redirect.From: redirect.To}
		for _, other := range present {
			if other.From == redirect.From {
				return app.ErrRedirectTaken
			}
			to[other.From] = other.To
		}
		if _, loop := traefik.FollowRedirects(to, redirect.From); loop {
			return app.ErrRedirectLoop
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO redirects (host, target, permanent, created_at) VALUES (?, ?, ?, ?)`,
			redirect.From, redirect.To, redirect.Permanent, sqlite.Micros(time.Now()))
		if sqlite.IsRefusedByTrigger(err) {
			return hostTaken(ctx, tx, redirect.From)
		}
		return err
	})
	return sqlite.Failure(err, "create redirect of %s", redirect.From)
}

// DeleteRedirect frees the host.
func (s *Store) DeleteRedirect(ctx context.Context, host traefik.Host) error {
	return sqlite.Failure(s.writer.ExecRow(ctx, `DELETE FROM redirects WHERE host = ?`, host), "delete redirect of %s", host)
}

// ListRedirects returns every redirect, by host.
func (s *Store) ListRedirects(ctx context.Context) ([]traefik.Redirect, error) {
	redirects, err := queryRedirects(ctx, s.reader)
	return redirects, sqlite.Failure(err, "list redirects")
}

// UpdateHome chooses where "/" leads that no app has.
func (s *Store) UpdateHome(ctx context.Context, home traefik.Route) error {
	return s.UpdateSetting(ctx, homeSetting, home.String())
}

// FindHome returns what UpdateHome chose, the zero Route where nothing was.
func (s *Store) FindHome(ctx context.Context) (traefik.Route, error) {
	home, err := queryHome(ctx, s.reader)
	if err != nil {
		return traefik.Route{}, fmt.Errorf("find home: %w", err)
	}
	return home, nil
}

func queryRedirects(ctx context.Context, from sqlite.Querier) ([]traefik.Redirect, error) {
	rows, err := from.QueryContext(ctx, `SELECT host, target, permanent FROM redirects ORDER BY host`)
	return sqlite.Collect(rows, err, func(columns sqlite.Row) (redirect traefik.Redirect, err error) {
		err = columns.Scan(&redirect.From, &redirect.To, &redirect.Permanent)
		return redirect, err
	})
}

func queryHome(ctx context.Context, from sqlite.Querier) (traefik.Route, error) {
	rows, err := from.QueryContext(ctx, `SELECT value FROM settings WHERE key = ?`, homeSetting)
	texts, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (text string, err error) {
		err = columns.Scan(&text)
		return text, err
	})
	if err != nil || len(texts) == 0 || texts[0] == "" {
		return traefik.Route{}, err
	}
	return traefik.ParseRoute(texts[0])
}

// hostTaken names an app that has a route on the host.
func hostTaken(ctx context.Context, tx *sql.Tx, host traefik.Host) error {
	taken := &app.RouteTakenError{Route: traefik.Route{Host: host}}
	err := tx.QueryRowContext(ctx, `SELECT app, path FROM routes WHERE host = ? ORDER BY path LIMIT 1`, host).Scan(&taken.App, &taken.Route.Path)
	if err != nil {
		return errors.Join(app.ErrRouteTaken, err)
	}
	return taken
}
