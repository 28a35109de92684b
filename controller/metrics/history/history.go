// Package history keeps what was measured in a SQLite file of its own, so that the
// ledger's careful writes do not pay for samples. The file is bounded, and may be deleted.
package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"

	"berth/controller/handle"
	"berth/controller/metrics"
	"berth/controller/store/sqlite"
)

const (
	version  = 1       // of the schema; a file of another one is begun anew
	mostSize = 1 << 30 // bytes of the file, in all
	pageSize = 4096

	mostSubjects = 10_000 // more are not kept; an app and its services are one each
)

const schema = `
CREATE TABLE subjects (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;
-- One row for all metrics of a subject in one span of time: 100 apps with a row for each
-- metric would take four times the file, and sixteen times the writes.
CREATE TABLE points (
    tier    INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    bucket  INTEGER NOT NULL,
    packed  BLOB    NOT NULL,
    PRIMARY KEY (tier, subject, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE rolled (
    tier   INTEGER NOT NULL PRIMARY KEY,
    bucket INTEGER NOT NULL -- the first one that is not added up yet
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;`

// History is the file. It is safe for concurrent use.
type History struct {
	// Handles are the words under which the file has apps that were renamed; nil where none was.
	// It is set before the first use.
	Handles *handle.Book

	writer sqlite.Writer
	reader *sql.DB

	mu       sync.RWMutex
	subjects map[metrics.Subject]int64
}

// Open opens the file at path, and begins a new one if there is none, or if it is broken or
// another Berth's: measurements are never a reason not to start.
func Open(ctx context.Context, path string, logger *slog.Logger) (*History, error) {
	history, err := open(ctx, path)
	if err == nil || ctx.Err() != nil {
		return history, err
	}
	logger.Warn("the file of measurements could not be read, and is begun anew", "file", path, "error", err)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove broken measurements: %w", err)
		}
	}
	return open(ctx, path)
}

func open(ctx context.Context, path string) (*History, error) {
	if err := sqlite.Secure(path); err != nil {
		return nil, err
	}
	writer, err := sqlite.OpenLoose(path)
	if err != nil {
		return nil, err
	}
	h := &History{writer: sqlite.Writer{DB: writer}, subjects: make(map[metrics.Subject]int64)}
	if err := errors.Join(h.prepare(ctx), h.loadSubjects(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("open measurements %s: %w", path, err), writer.Close())
	}
	if h.reader, err = sqlite.OpenReader(path); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return h, nil
}

func (h *History) prepare(ctx context.Context) error {
	var found int
	if err := h.writer.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&found); err != nil {
		return err
	}
	switch found {
	case version:
	case 0:
		if err := h.writer.Transact(ctx, func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, schema); return err }); err != nil {
			return err
		}
	default:
		return fmt.Errorf("it has the version %d, and this Berth knows %d", found, version)
	}
	return h.bound(ctx)
}

// bound keeps the file from growing beyond its most; it holds for one connection.
func (h *History) bound(ctx context.Context) error {
	_, err := h.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, mostSize/pageSize))
	return err
}

func (h *History) loadSubjects(ctx context.Context) error {
	rows, err := h.writer.QueryContext(ctx, `SELECT id, name FROM subjects`)
	_, err = sqlite.Collect(rows, err, func(row sqlite.Row) (id int64, err error) {
		var name metrics.Subject
		err = row.Scan(&id, &name)
		h.subjects[name] = id
		return id, err
	})
	return err
}

// Close closes the file. No method may be called afterwards.
func (h *History) Close() error { return errors.Join(h.reader.Close(), h.writer.Close()) }

func (h *History) find(subject metrics.Subject) (id int64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	id, ok = h.subjects[subject]
	return id, ok
}

// ids are those of all subjects.
func (h *History) ids() []int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	ids := make([]int64, 0, len(h.subjects))
	for _, id := range h.subjects {
		ids = append(ids, id)
	}
	return ids
}

// Subjects returns all that have a point.
func (h *History) Subjects() []metrics.Subject {
	h.mu.RLock()
	kept := slices.Collect(maps.Keys(h.subjects))
	h.mu.RUnlock()
	for i := range kept {
		kept[i] = kept[i].Of(h.Handles.Name)
	}
	slices.Sort(kept)
	return kept
}
