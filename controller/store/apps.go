package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"berth/controller/app"
	"berth/controller/event"
	"berth/controller/label"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// selectApps gives a row for each route of an app; the rows of one app follow each other.
const (
	selectApps = `
SELECT a.name, a.port, a.memory_bytes, a.nano_cpus, a.processes, a.writable_root, a.fallback, a.database_waiver, a.database_services, a.choices, a.readiness, a.egress, a.mounts, a.access, a.wanted, a.halted, coalesce(live.number, 0),
       a.observed_state, a.observed_detail, a.observed_at, a.created_at, a.project, a.tags, a.handle,
       coalesce(t.host, ''), coalesce(t.path, ''), coalesce(t.service, ''), coalesce(t.port, 0)
FROM apps a
LEFT JOIN releases live ON live.app = a.name AND live.state = 'live'
LEFT JOIN routes t ON t.app = a.name`
	inOrder = ` ORDER BY a.name, t.position`
)

// CreateApp claims name and routes, saves the variables and queues the first release.
func (s *Store) CreateApp(ctx context.Context, found app.App, release app.Release) (app.Release, error) {
	release.App = found.Name
	err := s.transactHandles(ctx, func(tx *sql.Tx, handles map[string]string) (err error) {
		if found.Handle, err = freeHandle(ctx, tx, found.Name); err != nil {
			return err
		}
		if err := insertApp(ctx, tx, found); err != nil {
			return err
		}
		handles[string(found.Name)] = string(found.Handle)
		if err := refuseAcross(ctx, tx, found.Name, found.Routes); err != nil {
			return err
		}
		if err := insertRoutes(ctx, tx, found); err != nil {
			return err
		}
		if len(found.Variables) > 0 {
			number, err := insertEnvironment(ctx, tx, found.Name, found.Variables)
			if err != nil {
				return err
			}
			if err := replaceEnvironment(ctx, tx, found.Name, 0, number); err != nil {
				return err
			}
		}
		return insertRelease(ctx, tx, &release)
	})
	if err != nil {
		return app.Release{}, fmt.Errorf("create app %s: %w", found.Name, err)
	}
	return release, nil
}

// ListApps returns every app by name, in one statement.
func (s *Store) ListApps(ctx context.Context) ([]app.App, error) {
	apps, err := queryApps(ctx, s.reader, selectApps+inOrder)
	return apps, sqlite.Failure(err, "list apps")
}

// FindApp returns one app.
func (s *Store) FindApp(ctx context.Context, name app.Name) (app.App, error) {
	apps, err := queryApps(ctx, s.reader, selectApps+` WHERE a.name = ?`+inOrder, name)
	if err == nil && len(apps) == 0 {
		err = problem.ErrNotFound
	}
	if err != nil {
		return app.App{}, fmt.Errorf("find app %s: %w", name, err)
	}
	return apps[0], nil
}

// UpdateWanted records what the operator wants. A deletion is not taken back: what
// is wanted deleted is not found for anything else.
func (s *Store) UpdateWanted(ctx context.Context, name app.Name, wanted app.Wanted) error {
	err := s.writer.ExecRow(ctx, `
UPDATE apps SET wanted = ?1, halted = '[]'
WHERE name = ?2 AND (wanted <> 'deleted' OR ?1 = 'deleted')`, wanted, name)
	return sqlite.Failure(err, "update wanted state of %s", name)
}

// UpdateSettings replaces the settings of an app that has no release under way: one
// that is keeps those that it was queued with, which would not be the app's.
func (s *Store) UpdateSettings(ctx context.Context, name app.Name, settings app.Settings) error {
	err := s.writeIdle(ctx, name, func(tx *sql.Tx) error { return updateSettings(ctx, tx, name, settings) })
	return sqlite.Failure(err, "update settings of %s", name)
}

// UpdateMounts replaces the mounts of an app that has no release under way.
func (s *Store) UpdateMounts(ctx context.Context, name app.Name, mounts []app.Mount) error {
	err := s.writeIdle(ctx, name, func(tx *sql.Tx) error { return updateMounts(ctx, tx, name, mounts) })
	return sqlite.Failure(err, "update mounts of %s", name)
}

// writeIdle is write for an app that has no release under way, else app.ErrUnderWay.
func (s *Store) writeIdle(ctx context.Context, name app.Name, change func(*sql.Tx) error) error {
	return s.writer.Transact(ctx, func(tx *sql.Tx) error {
		var underWay bool
		err := tx.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM releases WHERE app = ? AND finished_at IS NULL)`, name).Scan(&underWay)
		if err != nil {
			return err
		}
		if underWay {
			return app.ErrUnderWay
		}
		return change(tx)
	})
}

// UpdateObserved records what the watcher saw.
func (s *Store) UpdateObserved(ctx context.Context, name app.Name, observed app.Observed) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		var before app.Observed
		err := tx.QueryRowContext(ctx, `SELECT observed_state, observed_detail FROM apps WHERE name = ?`, name).Scan(&before.State, &before.Detail)
		if err != nil {
			return sqlite.OrNotFound(err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE apps SET observed_state = ?, observed_detail = ?, observed_at = ? WHERE name = ?`,
			observed.State, observed.Detail, sqlite.Micros(observed.At), name); err != nil {
			return err
		}
		return note(ctx, tx)(event.OfObserved(name, before, observed))
	})
	return sqlite.Failure(err, "update observed state of %s", name)
}

// DeleteApp removes an app that is wanted deleted, with its routes and releases; name
// and routes are free from then on.
func (s *Store) DeleteApp(ctx context.Context, name app.Name) error {
	err := s.transactHandles(ctx, func(tx *sql.Tx, handles map[string]string) error {
		delete(handles, string(name))
		return sqlite.OneRow(tx.ExecContext(ctx, `DELETE FROM apps WHERE name = ? AND wanted = 'deleted'`, name))
	})
	return sqlite.Failure(err, "delete app %s", name)
}

func updateMounts(ctx context.Context, tx *sql.Tx, name app.Name, mounts []app.Mount) error {
	result, err := tx.ExecContext(ctx, `UPDATE apps SET mounts = ? WHERE name = ? AND wanted <> 'deleted'`, mountsColumn{&mounts}, name)
	return sqlite.OneRow(result, err)
}

func updateSettings(ctx context.Context, tx *sql.Tx, name app.Name, settings app.Settings) error {
	result, err := tx.ExecContext(ctx, `
UPDATE apps SET port = ?, memory_bytes = ?, nano_cpus = ?, processes = ?, writable_root = ?,
                fallback = ?, database_waiver = ?, database_services = ?, choices = ?, readiness = ?, egress = ?
WHERE name = ? AND wanted <> 'deleted'`,
		settings.Port, settings.MemoryBytes, settings.NanoCPUs, settings.Processes, settings.WritableRoot,
		settings.Fallback, settings.Database, settings.DatabaseServices, choicesColumn{&settings.Choices}, readinessColumn{&settings.Readiness}, egressColumn{&settings.Egress}, name)
	return sqlite.OneRow(result, err)
}

func insertApp(ctx context.Context, tx *sql.Tx, found app.App) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO apps (name, port, memory_bytes, nano_cpus, processes, writable_root, fallback, database_waiver, database_services, choices, readiness, egress, mounts, access,
                  wanted, observed_state, observed_detail, observed_at, created_at, handle)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		found.Name, found.Settings.Port, found.Settings.MemoryBytes, found.Settings.NanoCPUs, found.Settings.Processes, found.Settings.WritableRoot,
		found.Settings.Fallback, found.Settings.Database, found.Settings.DatabaseServices, choicesColumn{&found.Settings.Choices}, readinessColumn{&found.Settings.Readiness}, egressColumn{&found.Settings.Egress}, mountsColumn{&found.Mounts}, accessColumn{&found.Access},
		found.Wanted,
		cmp.Or(found.Observed.State, app.Waiting), found.Observed.Detail, sqlite.Micros(found.Observed.At),
		sqlite.Micros(found.CreatedAt), storedHandle(found))
	if sqlite.IsTaken(err) {
		return problem.ErrNameTaken
	}
	return err
}

func insertRoutes(ctx context.Context, tx *sql.Tx, found app.App) error {
	if len(found.Routes) == 0 {
		return errors.New("an app has at least one route")
	}
	for position, route := range found.Routes {
		to := found.Destinations[route]
		_, err := tx.ExecContext(ctx, `INSERT INTO routes (app, position, host, path, service, port) VALUES (?, ?, ?, ?, ?, ?)`,
			found.Name, position, route.Host, route.Path, to.Service, to.Port)
		if sqlite.IsTaken(err) {
			return routeTaken(ctx, tx, route)
		}
		if sqlite.IsRefusedByTrigger(err) {
			return fmt.Errorf("%s: %w", route.Host, app.ErrHostRedirects)
		}
		if err != nil {
			return fmt.Errorf("claim route %s: %w", route, err)
		}
	}
	return nil
}

func queryApps(ctx context.Context, from sqlite.Querier, query string, arguments ...any) ([]app.App, error) {
	rows, err := from.QueryContext(ctx, query, arguments...)
	repeated, err := sqlite.Collect(rows, err, scanApp)
	if err != nil {
		return nil, err
	}
	apps := repeated[:0]
	for _, app := range repeated {
		if last := len(apps) - 1; last >= 0 && apps[last].Name == app.Name {
			apps[last].Routes = append(apps[last].Routes, app.Routes...)
			for route, to := range app.Destinations {
				lead(&apps[last], route, to)
			}
			continue
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// lead notes where a route of the app leads, if that is not the main service.
func lead(found *app.App, route traefik.Route, to app.Destination) {
	if to == (app.Destination{}) {
		return
	}
	if found.Destinations == nil {
		found.Destinations = make(map[traefik.Route]app.Destination)
	}
	found.Destinations[route] = to
}

func scanApp(columns sqlite.Row) (found app.App, err error) {
	var (
		route traefik.Route
		to    app.Destination
	)
	app, set := &found, &found.Settings
	err = columns.Scan(&app.Name, &set.Port, &set.MemoryBytes, &set.NanoCPUs, &set.Processes, &set.WritableRoot,
		&set.Fallback, &set.Database, &set.DatabaseServices, choicesColumn{&set.Choices}, readinessColumn{&set.Readiness}, egressColumn{&set.Egress}, mountsColumn{&app.Mounts}, accessColumn{&app.Access}, &app.Wanted, haltedColumn{&app.Halted}, &app.Live,
		&app.Observed.State, &app.Observed.Detail, sqlite.TimeInto(&app.Observed.At), sqlite.TimeInto(&app.CreatedAt), &app.Labels.Project, namesColumn{&app.Labels.Tags}, &app.Handle,
		&route.Host, &route.Path, &to.Service, &to.Port)
	if route.Path != "" {
		found.Routes = []traefik.Route{route}
		lead(&found, route, to)
	}
	return found, err
}

// UpdateLabels replaces the project and the tags of an app. A release may be under way:
// labels are no part of it.
func (s *Store) UpdateLabels(ctx context.Context, name app.Name, labels label.Labels) error {
	err := s.writer.ExecRow(ctx, `UPDATE apps SET project = ?, tags = ? WHERE name = ? AND wanted <> 'deleted'`,
		labels.Project, namesColumn{&labels.Tags}, name)
	return sqlite.Failure(err, "update labels of %s", name)
}
