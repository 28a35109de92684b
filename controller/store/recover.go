package store

import (
	"context"
	"database/sql"
	"fmt"

	"berth/controller/app"
	"berth/controller/store/sqlite"
)

// Recovered is an app with its live release, as its containers told of it.
type Recovered struct {
	App     app.App
	Release app.Release
}

// Recover writes apps with their live releases into a ledger that has none of them: all, or
// none.
func (s *Store) Recover(ctx context.Context, all []Recovered) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		for _, one := range all {
			if err := recoverApp(ctx, tx, one.App, one.Release); err != nil {
				return fmt.Errorf("app %s: %w", one.App.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return sqlite.Failure(err, "recover ledger")
	}
	return s.loadHandles(ctx)
}

func recoverApp(ctx context.Context, tx *sql.Tx, found app.App, live app.Release) error {
	if err := insertApp(ctx, tx, found); err != nil {
		return err
	}
	if err := refuseAcross(ctx, tx, found.Name, found.Routes); err != nil {
		return err
	}
	if err := insertRoutes(ctx, tx, found); err != nil {
		return err
	}
	number, err := insertEnvironment(ctx, tx, found.Name, found.Variables)
	if err != nil {
		return err
	}
	if err := replaceEnvironment(ctx, tx, found.Name, 0, number); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE apps SET access = ? WHERE name = ?`, accessColumn{&found.Access}, found.Name); err != nil {
		return err
	}
	queued := live
	if err := insertRelease(ctx, tx, &queued); err != nil {
		return err
	}
	// The release has the number that its containers carry in their names.
	if _, err := tx.ExecContext(ctx, `
UPDATE releases SET number = ?, services = ?, image = ?, image_digest = ?, instances = ?, address = ?, addresses = ? WHERE app = ?`,
		live.Number, servicesColumn{&live.Services}, live.Image, live.Digest, namesColumn{&live.Instances}, live.Address,
		addressesColumn{&live.Addresses}, found.Name); err != nil {
		return err
	}
	if err := promote(ctx, tx, live.ReleaseID, live.CreatedAt); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE apps SET wanted = ? WHERE name = ?`, found.Wanted, found.Name)
	return err
}
