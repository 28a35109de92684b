package store

import (
	"context"

	"berth/controller/store/sqlite"
)

// CopyTo writes the ledger as it is at one moment into a new file, whose folder nobody
// else can read. Writers wait meanwhile.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	_, err := s.writer.ExecContext(ctx, `VACUUM INTO ?`, path)
	return sqlite.Failure(err, "copy ledger")
}
