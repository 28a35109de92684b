package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"berth/controller"
)

// SaveSession creates a session or replaces the one of the same hash.
func (s *Store) SaveSession(ctx context.Context, session controller.Session) error {
	data := session.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	_, err := s.writer.ExecContext(ctx, `
INSERT INTO sessions (hash, account, data, created_at, seen_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE
SET account = excluded.account, data = excluded.data, created_at = excluded.created_at, seen_at = excluded.seen_at`,
		session.Hash, sql.NullInt64{Int64: session.Account, Valid: session.Account != 0}, data,
		micros(session.CreatedAt), micros(session.SeenAt))
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// FindSession returns the session of that hash, expired or not.
func (s *Store) FindSession(ctx context.Context, hash string) (controller.Session, error) {
	session := controller.Session{Hash: hash}
	err := s.reader.QueryRowContext(ctx, `
SELECT coalesce(account, 0), data, created_at, seen_at FROM sessions WHERE hash = ?`, hash).
		Scan(&session.Account, &session.Data, timeColumn{&session.CreatedAt}, timeColumn{&session.SeenAt})
	if err != nil {
		return controller.Session{}, fmt.Errorf("find session: %w", orNotFound(err))
	}
	return session, nil
}

// DeleteSession ends one session.
func (s *Store) DeleteSession(ctx context.Context, hash string) error {
	if _, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE hash = ?`, hash); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// DeleteSessionsOf ends every session of an account.
func (s *Store) DeleteSessionsOf(ctx context.Context, account int64) error {
	if _, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE account = ?`, account); err != nil {
		return fmt.Errorf("delete sessions of account %d: %w", account, err)
	}
	return nil
}

// DeleteExpiredSessions removes every session that is over at the moment now.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ?`,
		micros(now.Add(-controller.SessionIdle)), micros(now.Add(-controller.SessionAbsolute)))
	if err != nil {
		return fmt.Errorf("delete expired sessions: %w", err)
	}
	return nil
}
