package store

import (
	"context"
	"fmt"

	"berth/controller/store/sqlite"
)

// FindSetting returns the value of a setting; problem.ErrNotFound where it was never set.
func (s *Store) FindSetting(ctx context.Context, key string) (string, error) {
	var value string
	err := s.reader.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = ?`, key).Scan(&value)
	if err != nil {
		return "", fmt.Errorf("find setting %s: %w", key, sqlite.OrNotFound(err))
	}
	return value, nil
}

// UpdateSetting sets the value of a setting, also for the first time.
func (s *Store) UpdateSetting(ctx context.Context, key, value string) error {
	_, err := s.writer.ExecContext(ctx, `
INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return sqlite.Failure(err, "update setting %s", key)
}
