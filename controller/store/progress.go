package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/event"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// Advance enters a state that is under way. To enter the present state again does
// nothing, so a step that is repeated after a crash is listed once. A release that
// is not under way any more is problem.ErrNotFound.
func (s *Store) Advance(ctx context.Context, id app.ReleaseID, state app.ReleaseState) error {
	if !state.UnderWay() {
		return fmt.Errorf("advance %s: %q is not a state under way", id, state)
	}
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		found, err := locateUnderWay(ctx, tx, id)
		if err != nil || found.state == state {
			return err
		}
		return enter(ctx, tx, found.id, state, time.Now())
	})
	return sqlite.Failure(err, "advance %s", id)
}

// Finish ends a release that did not become live. One that is not under way any
// more stays as it is.
func (s *Store) Finish(ctx context.Context, id app.ReleaseID, state app.ReleaseState, reason, hint string, at time.Time) error {
	if state != app.ReleaseFailed && state != app.ReleaseCancelled {
		return fmt.Errorf("finish %s: %q is neither failed nor cancelled", id, state)
	}
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		found, err := locate(ctx, tx, id)
		if err != nil || !found.state.UnderWay() {
			return err
		}
		if err := enter(ctx, tx, found.id, state, at); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `UPDATE releases SET reason = ?, hint = ? WHERE id = ?`, reason, hint, found.id); err != nil {
			return err
		}
		return note(ctx, tx)(event.OfRelease(id, state, reason))
	})
	return sqlite.Failure(err, "finish %s", id)
}

// Promote makes a release live and returns the route table that this leads to. To
// promote the live release again changes nothing. A release that has failed, was
// cancelled or superseded, or whose app is wanted deleted, is problem.ErrNotFound.
func (s *Store) Promote(ctx context.Context, id app.ReleaseID, at time.Time) (app.Table, error) {
	var table app.Table
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		if err := promote(ctx, tx, id, at); err != nil {
			return err
		}
		var err error
		table, err = queryTable(ctx, tx)
		return err
	})
	if err != nil {
		return app.Table{}, fmt.Errorf("promote %s: %w", id, err)
	}
	return table, nil
}

func promote(ctx context.Context, tx *sql.Tx, id app.ReleaseID, at time.Time) error {
	found, err := locate(ctx, tx, id)
	if err != nil || found.state == app.ReleaseLive {
		return err
	}
	if err := found.mustBeUnderWay(); err != nil {
		return err
	}
	if found.wanted == app.WantedDeleted {
		return fmt.Errorf("the app is wanted deleted: %w", problem.ErrNotFound)
	}
	var former int64
	err = tx.QueryRowContext(ctx, `SELECT id FROM releases WHERE app = ? AND state = 'live'`, id.App).Scan(&former)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	// The former goes first: one_live_release holds at every moment.
	if err == nil {
		if err := enter(ctx, tx, former, app.ReleaseSuperseded, at); err != nil {
			return err
		}
	}
	if err := enter(ctx, tx, found.id, app.ReleaseLive, at); err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, `UPDATE apps SET wanted = 'running', halted = '[]' WHERE name = ?`, id.App); err != nil {
		return err
	}
	return note(ctx, tx)(event.OfRelease(id, app.ReleaseLive, ""))
}

// located is a release's row as the present transaction sees it.
type located struct {
	id     int64
	state  app.ReleaseState
	wanted app.Wanted
}

func locate(ctx context.Context, tx *sql.Tx, id app.ReleaseID) (located, error) {
	var found located
	err := tx.QueryRowContext(ctx, `
SELECT r.id, r.state, a.wanted FROM releases r JOIN apps a ON a.name = r.app
WHERE r.app = ? AND r.number = ?`, id.App, id.Number).Scan(&found.id, &found.state, &found.wanted)
	return found, sqlite.OrNotFound(err)
}

func locateUnderWay(ctx context.Context, tx *sql.Tx, id app.ReleaseID) (located, error) {
	found, err := locate(ctx, tx, id)
	if err != nil {
		return located{}, err
	}
	return found, found.mustBeUnderWay()
}

func (l located) mustBeUnderWay() error {
	if l.state.UnderWay() {
		return nil
	}
	return fmt.Errorf("it is %s, no such release is under way: %w", l.state, problem.ErrNotFound)
}

// enter sets the state of a release and appends the step. The moment at which a
// release stops being under way is when it finished; what supersedes it later does
// not change that.
func enter(ctx context.Context, tx *sql.Tx, release int64, state app.ReleaseState, at time.Time) error {
	finished := sqlite.Micros(at)
	finished.Valid = !state.UnderWay()
	_, err := tx.ExecContext(ctx, `
UPDATE releases
SET state = ?1, steps = json_insert(steps, '$[#]', json_object('state', ?1, 'at', ?2)),
    finished_at = coalesce(finished_at, ?3)
WHERE id = ?4`, state, sqlite.Micros(at), finished, release)
	return err
}
