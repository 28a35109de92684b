// Package store keeps the ledger in one SQLite file.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/handle"
	"berth/controller/problem"
	"berth/controller/reach"
	"berth/controller/room"
	"berth/controller/routing"
	"berth/controller/store/alerts"
	"berth/controller/store/events"
	"berth/controller/store/growth"
	"berth/controller/store/hooks"
	"berth/controller/store/logins"
	"berth/controller/store/moves"
	"berth/controller/store/people"
	"berth/controller/store/proofs"
	"berth/controller/store/pushes"
	"berth/controller/store/repeats"
	"berth/controller/store/sqlite"
	"berth/controller/store/webhooks"
	"berth/controller/volumes"
)

// growthLedger is growth.Ledger under a name that another embedded ledger does not have.
type growthLedger = growth.Ledger

// eventLedger is events.Ledger, likewise.
type eventLedger = events.Ledger

// alertLedger is alerts.Ledger, likewise.
type alertLedger = alerts.Ledger

// Store implements the ledgers of package controller. It is safe for concurrent
// use, also by several processes on one machine. What a method has returned
// without an error survives a crash of the process and a loss of power.
type Store struct {
	people.Ledger
	proofs.Proofs
	pushes.Pushes
	repeats.Repeats
	moves.Moves
	webhooks.Webhooks
	hooks.Hooks
	logins.Logins
	growthLedger
	eventLedger
	alertLedger

	writer sqlite.Writer // one connection: SQLite has one writer at a time, and waiting in Go is fair
	reader *sql.DB       // read-only; in WAL mode readers wait for nobody

	overview overview
	handles  *handle.Book
}

var (
	_ controller.Ledger     = (*Store)(nil)
	_ routing.Ledger        = (*Store)(nil)
	_ reach.Ledger          = (*Store)(nil)
	_ account.Ledger        = (*Store)(nil)
	_ account.SessionLedger = (*Store)(nil)
	_ account.TokenLedger   = (*Store)(nil)
	_ audit.Ledger          = (*Store)(nil)
	_ volumes.Ledger        = (*Store)(nil)

	_ account.SecondFactorLedger = (*Store)(nil)
)

// Open opens the ledger at path and brings it up to the present schema. A missing
// file is created with mode 0600, and so are the -wal and -shm files that SQLite
// puts beside it; the folder is the caller's to make, with mode 0700. It refuses
// a ledger that a later Berth has written to.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := sqlite.Secure(path); err != nil {
		return nil, err
	}
	pool, err := sqlite.OpenWriter(path)
	if err != nil {
		return nil, err
	}
	spare := room.ReserveIn(filepath.Dir(path)).Give
	err = sqlite.NoRoom(migrateAlone(ctx, pool, filepath.Dir(path)))
	for problem.IsDiskFull(err) && spare() {
		err = sqlite.NoRoom(migrateAlone(ctx, pool, filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), pool.Close())
	}
	reader, err := sqlite.OpenReader(path)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	writer := sqlite.Writer{DB: pool, Spare: spare}
	opened := &Store{
		Ledger: people.Ledger{Writer: writer, Reader: reader}, Proofs: proofs.Proofs{Writer: writer, Reader: reader},
		Hooks:        hooks.Hooks{Writer: writer, Reader: reader},
		Logins:       logins.Logins{Writer: writer, Reader: reader},
		growthLedger: growth.Ledger{Writer: writer, Reader: reader}, Pushes: pushes.Pushes{Writer: writer, Reader: reader}, Webhooks: webhooks.Webhooks{Writer: writer, Reader: reader}, Repeats: repeats.Repeats{Writer: writer, Reader: reader}, Moves: moves.Moves{Writer: writer, Reader: reader}, eventLedger: events.Ledger{Writer: writer, Reader: reader}, alertLedger: alerts.Ledger{Writer: writer, Reader: reader},
		writer: writer, reader: reader, handles: handle.NewBook(nil),
	}
	if err := opened.loadHandles(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// Close folds the -wal file into the ledger and closes it. No method may be called
// afterwards.
func (s *Store) Close() error {
	// The last connection to close must be one that can write, or the -wal file stays.
	return errors.Join(s.overview.close(), s.reader.Close(), s.writer.Close())
}
