package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// listedReleases is how many releases of an app a list holds.
const listedReleases = 50

const selectReleases = `
SELECT r.app, r.number, r.state, r.steps,
       r.archive, r.archive_name, r.archive_bytes, r.archive_sha256, r.cause, r.rollback_of,
       r.port, r.memory_bytes, r.nano_cpus, r.processes, r.writable_root, r.fallback, r.database_waiver, r.database_services, r.choices, r.readiness, r.egress,
       r.mounts, coalesce(r.environment, 0), r.image, r.image_reference, r.image_digest,
       r.instances, r.address, r.reason, r.hint, r.created_by, r.created_at, r.finished_at,
       r.services, r.remedy, r.addresses, (SELECT handle FROM apps WHERE name = r.app)
FROM releases r`

const selectLatest = selectReleases + `
WHERE r.id IN (SELECT (SELECT id FROM releases WHERE app = a.name ORDER BY number DESC LIMIT 1) FROM apps a)`

const selectUnderWay = selectReleases + `
WHERE r.finished_at IS NULL ORDER BY +r.id` // the + keeps the sorting from choosing the index

// CreateRelease queues the next release of the app that the release names. Of the
// release it keeps what is known before the first step: the archive, the image of
// a rollback, and who and when. The settings and the environment are those of the app.
func (s *Store) CreateRelease(ctx context.Context, release app.Release) (app.Release, error) {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error { return insertRelease(ctx, tx, &release) })
	if err != nil {
		return app.Release{}, fmt.Errorf("create release of %s: %w", release.App, err)
	}
	return release, nil
}

// CreateRerun makes the settings and mounts of the release those of the app, of a
// rollback its environment too, and queues it, or does nothing.
func (s *Store) CreateRerun(ctx context.Context, release app.Release) (app.Release, error) {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error { return createRerun(ctx, tx, &release) })
	if err != nil {
		return app.Release{}, fmt.Errorf("create rerun of %s r%d: %w", release.App, release.RerunOf, err)
	}
	return release, nil
}

func createRerun(ctx context.Context, tx *sql.Tx, release *app.Release) error {
	if err := updateSettings(ctx, tx, release.App, release.Settings); err != nil {
		return err
	}
	if err := updateMounts(ctx, tx, release.App, release.Mounts); err != nil {
		return err
	}
	if release.Cause == app.CauseRollback {
		if err := restoreEnvironment(ctx, tx, release.App, release.Environment); err != nil {
			return err
		}
	}
	return insertRelease(ctx, tx, release)
}

// ListReleases returns the newest 50 releases of an app, the newest first. Every app
// has a release, so where there is none there is no app: problem.ErrNotFound.
func (s *Store) ListReleases(ctx context.Context, app app.Name) ([]app.Release, error) {
	rows, err := s.reader.QueryContext(ctx, selectReleases+`
WHERE r.app = ? ORDER BY r.number DESC LIMIT ?`, app, listedReleases)
	releases, err := sqlite.Collect(rows, err, scanRelease)
	if err == nil && len(releases) == 0 {
		err = problem.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("list releases of %s: %w", app, err)
	}
	return releases, nil
}

// ListRunnable returns the releases of an app that have an image and are under way,
// live or superseded, newest first.
func (s *Store) ListRunnable(ctx context.Context, name app.Name) ([]app.Release, error) {
	rows, err := s.reader.QueryContext(ctx, selectReleases+`
WHERE r.app = ? AND r.image <> '' AND r.state NOT IN (?, ?) ORDER BY r.number DESC`,
		name, app.ReleaseFailed, app.ReleaseCancelled)
	releases, err := sqlite.Collect(rows, err, scanRelease)
	if err != nil {
		return nil, fmt.Errorf("list runnable releases of %s: %w", name, err)
	}
	return releases, nil
}

// ListLatest returns the newest release of every app.
func (s *Store) ListLatest(ctx context.Context) (map[app.Name]*app.Release, error) {
	rows, err := s.reader.QueryContext(ctx, selectLatest)
	releases, err := sqlite.Collect(rows, err, scanRelease)
	if err != nil {
		return nil, fmt.Errorf("list latest releases: %w", err)
	}
	latest := make(map[app.Name]*app.Release, len(releases))
	for i := range releases {
		latest[releases[i].App] = &releases[i]
	}
	return latest, nil
}

// ListUnderWay returns the releases under way of all apps in the order in which
// they were queued.
func (s *Store) ListUnderWay(ctx context.Context) ([]app.Release, error) {
	rows, err := s.reader.QueryContext(ctx, selectUnderWay)
	releases, err := sqlite.Collect(rows, err, scanRelease)
	if err != nil {
		return nil, fmt.Errorf("list releases under way: %w", err)
	}
	return releases, nil
}

// FindRelease returns one release.
func (s *Store) FindRelease(ctx context.Context, id app.ReleaseID) (app.Release, error) {
	release, err := scanRelease(s.reader.QueryRowContext(ctx, selectReleases+`
WHERE r.app = ? AND r.number = ?`, id.App, id.Number))
	if err != nil {
		return app.Release{}, fmt.Errorf("find release %s: %w", id, sqlite.OrNotFound(err))
	}
	return release, nil
}

// ClearArchive forgets the release's file in the uploads folder.
func (s *Store) ClearArchive(ctx context.Context, id app.ReleaseID) error {
	err := s.writer.ExecRow(ctx, `UPDATE releases SET archive = '' WHERE app = ? AND number = ?`, id.App, id.Number)
	if err != nil {
		return fmt.Errorf("clear archive of %s: %w", id, err)
	}
	return nil
}

// ListArchives returns the files in the uploads folder that releases need: what is
// under way, what is live or can be rolled back to, and what failed and was not followed
// by a success.
func (s *Store) ListArchives(ctx context.Context) ([]string, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT archive FROM releases AS r WHERE archive <> '' AND (
		finished_at IS NULL OR state = 'live' OR state = 'superseded' AND image <> '' OR state IN ('failed', 'cancelled') AND NOT EXISTS (
			SELECT 1 FROM releases AS later WHERE later.app = r.app AND later.number > r.number AND later.state IN ('live', 'superseded')))`)
	archives, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (file string, err error) {
		err = columns.Scan(&file)
		return file, err
	})
	if err != nil {
		return nil, fmt.Errorf("list archives: %w", err)
	}
	return archives, nil
}

// UpdatePort makes port the release's, and the app's where that has none.
func (s *Store) UpdatePort(ctx context.Context, id app.ReleaseID, port uint16) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE releases SET port = ? WHERE app = ? AND number = ?`, port, id.App, id.Number); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE apps SET port = ? WHERE name = ? AND port = 0`, port, id.App)
		return err
	})
	if err != nil {
		return fmt.Errorf("update port of %s: %w", id, err)
	}
	return nil
}

// UpdateRemedy records what would mend the release.
func (s *Store) UpdateRemedy(ctx context.Context, id app.ReleaseID, remedy problem.Remedy) error {
	err := s.writer.ExecRow(ctx, `UPDATE releases SET remedy = ? WHERE app = ? AND number = ?`, remedyColumn{&remedy}, id.App, id.Number)
	if err != nil {
		return fmt.Errorf("update remedy of %s: %w", id, err)
	}
	return nil
}

// CountResumption counts that a process goes on with the release which another has
// begun, and returns how often that happened.
func (s *Store) CountResumption(ctx context.Context, id app.ReleaseID) (count int, err error) {
	err = s.writer.Transact(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `UPDATE releases SET resumptions = resumptions + 1 WHERE app = ? AND number = ? RETURNING resumptions`,
			id.App, id.Number).Scan(&count)
	})
	if err != nil {
		return 0, fmt.Errorf("count resumption of %s: %w", id, sqlite.OrNotFound(err))
	}
	return count, nil
}

// insertRelease queues the release and fills in what the ledger decides.
func insertRelease(ctx context.Context, tx *sql.Tx, release *app.Release) error {
	queued := app.Release{
		ReleaseID:     app.ReleaseID{App: release.App},
		State:         app.ReleaseQueued,
		Steps:         []app.Step{{State: app.ReleaseQueued, At: sqlite.Stored(release.CreatedAt)}},
		Archive:       release.Archive,
		ArchiveName:   release.ArchiveName,
		ArchiveBytes:  release.ArchiveBytes,
		ArchiveSHA256: release.ArchiveSHA256,
		Cause:         cmp.Or(release.Cause, app.CauseUpload),
		RerunOf:       release.RerunOf,
		Image:         release.Image,
		Reference:     release.Reference,
		Digest:        release.Digest,
		CreatedBy:     release.CreatedBy,
		CreatedAt:     sqlite.Stored(release.CreatedAt),
		Services:      release.Services,
	}
	set := &queued.Settings
	// The number cannot be taken, as it is found under the write lock, so a taken
	// key is one_release_under_way.
	err := tx.QueryRowContext(ctx, `
INSERT INTO releases (app, number, state, steps, archive, archive_name, archive_bytes, archive_sha256,
                      cause, rollback_of, image, image_reference, image_digest, created_by, created_at, environment,
                      port, memory_bytes, nano_cpus, processes, writable_root, fallback, database_waiver, database_services, choices, readiness, egress, mounts, services)
SELECT a.name, 1 + coalesce((SELECT max(number) FROM releases WHERE app = a.name), 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
       CASE WHEN ? THEN ? ELSE a.environment END,
       a.port, a.memory_bytes, a.nano_cpus, a.processes, a.writable_root, a.fallback, a.database_waiver, a.database_services, a.choices, a.readiness, a.egress, a.mounts, ?
FROM apps a WHERE a.name = ? AND a.wanted <> 'deleted'
RETURNING number, coalesce(environment, 0), port, memory_bytes, nano_cpus, processes, writable_root,
          fallback, database_waiver, database_services, choices, readiness, egress, mounts, (SELECT handle FROM apps WHERE name = releases.app)`,
		queued.State, stepsColumn{&queued.Steps}, queued.Archive, queued.ArchiveName, queued.ArchiveBytes, queued.ArchiveSHA256,
		queued.Cause, queued.RerunOf, queued.Image, queued.Reference, queued.Digest, queued.CreatedBy, sqlite.Micros(queued.CreatedAt),
		queued.Cause != app.CauseUpload && queued.Cause != app.CauseEnvironment, sqlite.OrNull(release.Environment), servicesColumn{&queued.Services}, queued.App,
	).Scan(&queued.Number, &queued.Environment, &set.Port, &set.MemoryBytes, &set.NanoCPUs, &set.Processes, &set.WritableRoot,
		&set.Fallback, &set.Database, &set.DatabaseServices, choicesColumn{&set.Choices}, readinessColumn{&set.Readiness}, egressColumn{&set.Egress}, mountsColumn{&queued.Mounts}, &queued.Handle)
	if sqlite.IsTaken(err) {
		return app.ErrUnderWay
	}
	if err != nil {
		return sqlite.OrNotFound(err)
	}
	*release = queued
	return nil
}

func scanRelease(columns sqlite.Row) (r app.Release, err error) {
	set := &r.Settings
	err = columns.Scan(&r.App, &r.Number, &r.State, stepsColumn{&r.Steps},
		&r.Archive, &r.ArchiveName, &r.ArchiveBytes, &r.ArchiveSHA256, &r.Cause, &r.RerunOf,
		&set.Port, &set.MemoryBytes, &set.NanoCPUs, &set.Processes, &set.WritableRoot,
		&set.Fallback, &set.Database, &set.DatabaseServices, choicesColumn{&set.Choices}, readinessColumn{&set.Readiness}, egressColumn{&set.Egress}, mountsColumn{&r.Mounts}, &r.Environment, &r.Image, &r.Reference, &r.Digest,
		namesColumn{&r.Instances},
		&r.Address, &r.Reason, &r.Hint, &r.CreatedBy, sqlite.TimeInto(&r.CreatedAt), sqlite.TimeInto(&r.FinishedAt),
		servicesColumn{&r.Services}, remedyColumn{&r.Remedy}, addressesColumn{&r.Addresses}, &r.Handle)
	return r, err
}
