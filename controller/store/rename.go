package store

import (
	"context"
	"database/sql"
	"fmt"

	"berth/controller/app"
	"berth/controller/handle"
	"berth/controller/problem"
	"berth/controller/store/names"
	"berth/controller/store/sqlite"
	"berth/controller/store/webhooks"
	"berth/traefik"
)

// Handles are the handles of all apps. They follow what this Store changes.
func (s *Store) Handles() *handle.Book { return s.handles }

// loadHandles reads the handles that are other words than the names.
func (s *Store) loadHandles(ctx context.Context) error {
	type pair struct{ name, handle string }
	rows, err := s.reader.QueryContext(ctx, `SELECT name, handle FROM apps WHERE handle <> ''`)
	pairs, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (found pair, err error) {
		err = columns.Scan(&found.name, &found.handle)
		return found, err
	})
	if err != nil {
		return fmt.Errorf("read handles of apps: %w", err)
	}
	handles, end := s.handles.Begin()
	defer end(true)
	clear(handles)
	for _, found := range pairs {
		handles[found.name] = found.handle
	}
	return nil
}

// transactHandles is a transaction that changes handles: nobody reads the book from its begin to
// its commit. work may run twice.
func (s *Store) transactHandles(ctx context.Context, work func(tx *sql.Tx, handles map[string]string) error) error {
	end := func(bool) {}
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		end(false)
		var handles map[string]string
		handles, end = s.handles.Begin()
		return work(tx, handles)
	})
	end(err == nil)
	return err
}

// freeHandle is the handle of a new app.
func freeHandle(ctx context.Context, tx *sql.Tx, name app.Name) (app.Name, error) {
	free, err := handle.Free(string(name), func(handle string) (taken bool, err error) {
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM apps WHERE coalesce(nullif(handle, ''), name) = ?)`, handle).Scan(&taken)
		return taken, err
	})
	return app.Name(free), err
}

// storedHandle is empty where the handle is the name.
func storedHandle(found app.App) app.Name {
	if found.Handle == found.Name {
		return ""
	}
	return found.Handle
}

// RenameApp gives the app another name, with all that is kept of it, and queues the release,
// which is one of the app as CreateRerun takes it; the zero Release queues none. All of it is
// one transaction. problem.ErrNameTaken where another app has the name, a *app.RouteTakenError
// where one has a route that would follow, app.ErrUnderWay where a release is under way, app.ErrMoves,
// problem.ErrNotFound for an app that is missing or wanted deleted.
func (s *Store) RenameApp(ctx context.Context, r app.Renaming, release app.Release) (app.Release, error) {
	asked := release
	err := s.transactHandles(ctx, func(tx *sql.Tx, handles map[string]string) error {
		release = asked
		if _, err := queryRoutesOf(ctx, tx, r.App); err != nil {
			return err
		}
		if err := refuseRename(ctx, tx, r); err != nil {
			return err
		}
		if release.App != "" {
			if err := createRerun(ctx, tx, &release); err != nil {
				return err
			}
		}
		if err := renameRow(ctx, tx, r, handles); err != nil {
			return err
		}
		if err := moveRoutes(ctx, tx, r); err != nil {
			return err
		}
		if release.App != "" {
			release.App = r.To
		}
		return reseal(ctx, tx, r)
	})
	if err != nil {
		return app.Release{}, fmt.Errorf("rename %s to %s: %w", r.App, r.To, err)
	}
	return release, nil
}

func refuseRename(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	var taken, underWay, moves bool
	err := tx.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM apps WHERE name = ?1), EXISTS (SELECT 1 FROM releases WHERE app = ?2 AND finished_at IS NULL),
       EXISTS (SELECT 1 FROM moves WHERE app = ?2 AND state = 'running')`, r.To, r.App).Scan(&taken, &underWay, &moves)
	switch {
	case err != nil:
		return err
	case taken:
		return problem.ErrNameTaken
	case underWay:
		return app.ErrUnderWay
	case moves:
		return app.ErrMoves
	}
	return nil
}

// renameRow changes the name in every table that has it. The references are checked when the
// transaction is committed.
func renameRow(ctx context.Context, tx *sql.Tx, r app.Renaming, handles map[string]string) error {
	if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
		return err
	}
	var kept app.Name
	err := tx.QueryRowContext(ctx, `
UPDATE apps SET name = ?2, handle = CASE coalesce(nullif(handle, ''), name) WHEN ?2 THEN '' ELSE coalesce(nullif(handle, ''), name) END
WHERE name = ?1 RETURNING handle`, r.App, r.To).Scan(&kept)
	if err != nil {
		return err
	}
	delete(handles, string(r.App))
	if kept != "" {
		handles[string(r.To)] = string(kept)
	}
	return names.Rename(ctx, tx, r.App, r.To)
}

// moveRoutes gives the routes that follow the path of the new name.
func moveRoutes(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	if !r.Redirect {
		if _, err := tx.ExecContext(ctx, `DELETE FROM former_routes WHERE app = ?`, r.To); err != nil {
			return err
		}
	}
	for _, former := range r.Routes {
		now := traefik.Route{Host: former.Host, Path: app.NamePath(r.To)}
		err := sqlite.OneRow(tx.ExecContext(ctx, `UPDATE routes SET path = ? WHERE host = ? AND path = ? AND app = ?`, now.Path, former.Host, former.Path, r.To))
		if sqlite.IsTaken(err) {
			return routeTaken(ctx, tx, now)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM former_routes WHERE host = ? AND path = ?`, now.Host, now.Path); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE settings SET value = ? WHERE key = ? AND value = ?`, now.String(), homeSetting, former.String()); err != nil {
			return err
		}
		if !r.Redirect {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO former_routes (app, host, path) VALUES (?, ?, ?)`, r.To, former.Host, former.Path); err != nil {
			return err
		}
	}
	return nil
}

// reseal seals anew what is sealed for the former name.
func reseal(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	if err := resealEnvironments(ctx, tx, r); err != nil {
		return err
	}
	if err := resealFiles(ctx, tx, r); err != nil {
		return err
	}
	return webhooks.Reseal(ctx, tx, r)
}

func resealEnvironments(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	type environment struct {
		id        int64
		variables []app.Variable
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, variables FROM environments WHERE app = ?`, r.To)
	all, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (found environment, err error) {
		err = columns.Scan(&found.id, variablesColumn{&found.variables})
		return found, err
	})
	if err != nil {
		return err
	}
	for _, found := range all {
		for i := range found.variables {
			one := &found.variables[i]
			if one.Secret() {
				one.Sealed = r.Reseal(one.Sealed, app.EnvironmentPlace(r.App, one.Name), app.EnvironmentPlace(r.To, one.Name))
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE environments SET variables = ? WHERE id = ?`, variablesColumn{&found.variables}, found.id); err != nil {
			return err
		}
	}
	return nil
}

// resealFiles seals anew the secrets that the archives of releases bring as files.
func resealFiles(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	type planned struct {
		id       int64
		services []app.ServiceRun
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, services FROM releases WHERE app = ?`, r.To)
	all, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (found planned, err error) {
		err = columns.Scan(&found.id, servicesColumn{&found.services})
		return found, err
	})
	if err != nil {
		return err
	}
	for _, found := range all {
		changed := false
		for _, run := range found.services {
			for i, file := range run.Spec.Files {
				if !file.Private {
					continue
				}
				run.Spec.Files[i].Content = r.Reseal(file.Content, app.FilePlace(r.App, run.Spec, file), app.FilePlace(r.To, run.Spec, file))
				changed = true
			}
		}
		if !changed {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE releases SET services = ? WHERE id = ?`, servicesColumn{&found.services}, found.id); err != nil {
			return err
		}
	}
	return nil
}
