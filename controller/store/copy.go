package store

import (
	"context"
	"errors"

	"berth/controller/store/sqlite"
)

// CopyTo writes the ledger as it is at one moment into a new file, whose folder nobody
// else can read. Writers wait meanwhile.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	_, err := s.writer.ExecContext(ctx, `VACUUM INTO ?`, path)
	return sqlite.Failure(err, "copy ledger")
}

// CheckIntegrity reads the whole ledger, and says what is wrong in its file.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	var found string
	err := s.reader.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found)
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	return sqlite.Failure(err, "check integrity of ledger")
}
