package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateAlone keeps other processes that open the ledger out while it migrates: of
// two that begin a migration, the second would find its tables there already. The
// lock is on the folder, because closing a descriptor of the ledger itself would
// drop the locks that SQLite holds on it, and it ends with the process.
func migrateAlone(ctx context.Context, writer *sql.DB, folder string) error {
	lock, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = lock.Close() }() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock folder: %w", err)
	}
	return migrate(ctx, writer)
}

// migrate runs the migrations that the ledger lacks, each in a transaction of its own.
func migrate(ctx context.Context, writer *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, writer, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	current, latest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > latest {
		return fmt.Errorf("the ledger has schema version %d and this Berth knows %d: start the Berth that wrote it, or a later one", current, latest)
	}
	return nil
}
