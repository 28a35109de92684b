package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"berth/controller"
	"berth/traefik"
)

// selectApps gives a row for each route of an app; the rows of one app follow each other.
const (
	selectApps = `
SELECT a.name, a.port, a.memory_bytes, a.nano_cpus, a.processes, a.writable_root, a.fallback, a.database_waiver, a.database_services, a.mounts, a.access, a.wanted, a.halted, coalesce(live.number, 0),
       a.observed_state, a.observed_detail, a.observed_at, a.created_at,
       coalesce(t.host, ''), coalesce(t.path, '')
FROM apps a
LEFT JOIN releases live ON live.app = a.name AND live.state = 'live'
LEFT JOIN routes t ON t.app = a.name`
	inOrder = ` ORDER BY a.name, t.position`
)

// CreateApp claims name and routes, saves the variables and queues the first release.
func (s *Store) CreateApp(ctx context.Context, app controller.App, release controller.Release) (controller.Release, error) {
	release.App = app.Name
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := insertApp(ctx, tx, app); err != nil {
			return err
		}
		if err := insertRoutes(ctx, tx, app); err != nil {
			return err
		}
		if len(app.Variables) > 0 {
			number, err := insertEnvironment(ctx, tx, app.Name, app.Variables)
			if err != nil {
				return err
			}
			if err := replaceEnvironment(ctx, tx, app.Name, 0, number); err != nil {
				return err
			}
		}
		return insertRelease(ctx, tx, &release)
	})
	if err != nil {
		return controller.Release{}, fmt.Errorf("create app %s: %w", app.Name, err)
	}
	return release, nil
}

// ListApps returns every app by name, in one statement.
func (s *Store) ListApps(ctx context.Context) ([]controller.App, error) {
	apps, err := queryApps(ctx, s.reader, selectApps+inOrder)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	return apps, nil
}

// FindApp returns one app.
func (s *Store) FindApp(ctx context.Context, name controller.AppName) (controller.App, error) {
	apps, err := queryApps(ctx, s.reader, selectApps+` WHERE a.name = ?`+inOrder, name)
	if err == nil && len(apps) == 0 {
		err = controller.ErrNotFound
	}
	if err != nil {
		return controller.App{}, fmt.Errorf("find app %s: %w", name, err)
	}
	return apps[0], nil
}

// UpdateWanted records what the operator wants. A deletion is not taken back: what
// is wanted deleted is not found for anything else.
func (s *Store) UpdateWanted(ctx context.Context, name controller.AppName, wanted controller.Wanted) error {
	err := s.writeRow(ctx, `
UPDATE apps SET wanted = ?1, halted = '[]'
WHERE name = ?2 AND (wanted <> 'deleted' OR ?1 = 'deleted')`, wanted, name)
	if err != nil {
		return fmt.Errorf("update wanted state of %s: %w", name, err)
	}
	return nil
}

// UpdateSettings replaces the settings of an app that has no release under way: one
// that is keeps those that it was queued with, which would not be the app's.
func (s *Store) UpdateSettings(ctx context.Context, name controller.AppName, settings controller.Settings) error {
	err := s.writeIdle(ctx, name, func(tx *sql.Tx) error { return updateSettings(ctx, tx, name, settings) })
	if err != nil {
		return fmt.Errorf("update settings of %s: %w", name, err)
	}
	return nil
}

// UpdateMounts replaces the mounts of an app that has no release under way.
func (s *Store) UpdateMounts(ctx context.Context, name controller.AppName, mounts []controller.Mount) error {
	err := s.writeIdle(ctx, name, func(tx *sql.Tx) error { return updateMounts(ctx, tx, name, mounts) })
	if err != nil {
		return fmt.Errorf("update mounts of %s: %w", name, err)
	}
	return nil
}

// writeIdle is write for an app that has no release under way, else ErrUnderWay.
func (s *Store) writeIdle(ctx context.Context, name controller.AppName, change func(*sql.Tx) error) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		var underWay bool
		err := tx.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM releases WHERE app = ? AND finished_at IS NULL)`, name).Scan(&underWay)
		if err != nil {
			return err
		}
		if underWay {
			return controller.ErrUnderWay
		}
		return change(tx)
	})
}

// UpdateObserved records what the watcher saw.
func (s *Store) UpdateObserved(ctx context.Context, name controller.AppName, observed controller.Observed) error {
	err := s.writeRow(ctx, `
UPDATE apps SET observed_state = ?, observed_detail = ?, observed_at = ? WHERE name = ?`,
		observed.State, observed.Detail, micros(observed.At), name)
	if err != nil {
		return fmt.Errorf("update observed state of %s: %w", name, err)
	}
	return nil
}

// DeleteApp removes an app that is wanted deleted, with its routes and releases; name
// and routes are free from then on.
func (s *Store) DeleteApp(ctx context.Context, name controller.AppName) error {
	if err := s.writeRow(ctx, `DELETE FROM apps WHERE name = ? AND wanted = 'deleted'`, name); err != nil {
		return fmt.Errorf("delete app %s: %w", name, err)
	}
	return nil
}

func updateMounts(ctx context.Context, tx *sql.Tx, name controller.AppName, mounts []controller.Mount) error {
	result, err := tx.ExecContext(ctx, `UPDATE apps SET mounts = ? WHERE name = ? AND wanted <> 'deleted'`, mountsColumn{&mounts}, name)
	return oneRow(result, err)
}

func updateSettings(ctx context.Context, tx *sql.Tx, name controller.AppName, settings controller.Settings) error {
	result, err := tx.ExecContext(ctx, `
UPDATE apps SET port = ?, memory_bytes = ?, nano_cpus = ?, processes = ?, writable_root = ?,
                fallback = ?, database_waiver = ?, database_services = ?
WHERE name = ? AND wanted <> 'deleted'`,
		settings.Port, settings.MemoryBytes, settings.NanoCPUs, settings.Processes, settings.WritableRoot,
		settings.Fallback, settings.Database, settings.DatabaseServices, name)
	return oneRow(result, err)
}

func insertApp(ctx context.Context, tx *sql.Tx, app controller.App) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO apps (name, port, memory_bytes, nano_cpus, processes, writable_root, fallback, database_waiver, database_services, mounts,
                  wanted, observed_state, observed_detail, observed_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		app.Name, app.Settings.Port, app.Settings.MemoryBytes, app.Settings.NanoCPUs, app.Settings.Processes, app.Settings.WritableRoot,
		app.Settings.Fallback, app.Settings.Database, app.Settings.DatabaseServices, mountsColumn{&app.Mounts},
		app.Wanted,
		cmp.Or(app.Observed.State, controller.AppWaiting), app.Observed.Detail, micros(app.Observed.At),
		micros(app.CreatedAt))
	if isTaken(err) {
		return controller.ErrNameTaken
	}
	return err
}

func insertRoutes(ctx context.Context, tx *sql.Tx, app controller.App) error {
	if len(app.Routes) == 0 {
		return errors.New("an app has at least one route")
	}
	for position, route := range app.Routes {
		_, err := tx.ExecContext(ctx, `INSERT INTO routes (app, position, host, path) VALUES (?, ?, ?, ?)`,
			app.Name, position, route.Host, route.Path)
		if isTaken(err) {
			return routeTaken(ctx, tx, route)
		}
		if isRefusedByTrigger(err) {
			return fmt.Errorf("%s: %w", route.Host, controller.ErrHostRedirects)
		}
		if err != nil {
			return fmt.Errorf("claim route %s: %w", route, err)
		}
	}
	return nil
}

func queryApps(ctx context.Context, from querier, query string, arguments ...any) ([]controller.App, error) {
	rows, err := from.QueryContext(ctx, query, arguments...)
	repeated, err := collect(rows, err, scanApp)
	if err != nil {
		return nil, err
	}
	apps := repeated[:0]
	for _, app := range repeated {
		if last := len(apps) - 1; last >= 0 && apps[last].Name == app.Name {
			apps[last].Routes = append(apps[last].Routes, app.Routes...)
			continue
		}
		apps = append(apps, app)
	}
	return apps, nil
}

func scanApp(columns row) (app controller.App, err error) {
	var route traefik.Route
	set := &app.Settings
	err = columns.Scan(&app.Name, &set.Port, &set.MemoryBytes, &set.NanoCPUs, &set.Processes, &set.WritableRoot,
		&set.Fallback, &set.Database, &set.DatabaseServices, mountsColumn{&app.Mounts}, accessColumn{&app.Access}, &app.Wanted, haltedColumn{&app.Halted}, &app.Live,
		&app.Observed.State, &app.Observed.Detail, timeColumn{&app.Observed.At}, timeColumn{&app.CreatedAt},
		&route.Host, &route.Path)
	if route.Path != "" {
		app.Routes = []traefik.Route{route}
	}
	return app, err
}
