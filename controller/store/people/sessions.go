package people

import (
	"context"
	"fmt"
	"time"

	"berth/controller/account"
	"berth/controller/store/sqlite"
)

const selectSessions = `
SELECT hash, coalesce(account, 0), coalesce(pending, 0), data, address, agent, created_at, seen_at FROM sessions`

// CreateSession stores a new session.
func (l Ledger) CreateSession(ctx context.Context, session account.Session) error {
	_, err := l.Writer.ExecContext(ctx, `
INSERT INTO sessions (hash, account, pending, data, address, agent, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		session.Hash, sqlite.OrNull(session.Account), sqlite.OrNull(session.Pending), notNil(session.Data), session.Address, session.UserAgent,
		sqlite.Micros(session.CreatedAt), sqlite.Micros(session.SeenAt))
	return sqlite.Failure(err, "create session")
}

// UpdateSession changes what a session holds. Who it belongs to, its browser and
// its beginning stay.
func (l Ledger) UpdateSession(ctx context.Context, session account.Session) error {
	err := l.Writer.ExecRow(ctx, `UPDATE sessions SET data = ?, address = ?, seen_at = ? WHERE hash = ?`,
		notNil(session.Data), session.Address, sqlite.Micros(session.SeenAt), session.Hash)
	return sqlite.Failure(err, "update session")
}

// FindSession returns the session of that hash, expired or not.
func (l Ledger) FindSession(ctx context.Context, hash string) (account.Session, error) {
	session, err := scanSession(l.Reader.QueryRowContext(ctx, selectSessions+` WHERE hash = ?`, hash))
	if err != nil {
		return account.Session{}, fmt.Errorf("find session: %w", sqlite.OrNotFound(err))
	}
	return session, nil
}

// ListSessionsOf returns the sessions of an account, the last used first.
func (l Ledger) ListSessionsOf(ctx context.Context, account int64) ([]account.Session, error) {
	rows, err := l.Reader.QueryContext(ctx, selectSessions+` WHERE account = ? ORDER BY seen_at DESC, hash`, account)
	sessions, err := sqlite.Collect(rows, err, scanSession)
	return sessions, sqlite.Failure(err, "list sessions of account %d", account)
}

// DeleteSession ends one session.
func (l Ledger) DeleteSession(ctx context.Context, hash string) error {
	_, err := l.Writer.ExecContext(ctx, `DELETE FROM sessions WHERE hash = ?`, hash)
	return sqlite.Failure(err, "delete session")
}

// DeleteSessionOf ends one session of an account.
func (l Ledger) DeleteSessionOf(ctx context.Context, account int64, hash string) error {
	err := l.Writer.ExecRow(ctx, `DELETE FROM sessions WHERE account = ? AND hash = ?`, account, hash)
	return sqlite.Failure(err, "delete session of account %d", account)
}

// DeleteSessionsOf ends every session of an account, and what waits to become one.
func (l Ledger) DeleteSessionsOf(ctx context.Context, account int64) error {
	_, err := l.Writer.ExecContext(ctx, deleteSessionsOf, account)
	return sqlite.Failure(err, "delete sessions of account %d", account)
}

// DeleteOtherSessionsOf ends every session of an account but one.
func (l Ledger) DeleteOtherSessionsOf(ctx context.Context, account int64, kept string) error {
	_, err := l.Writer.ExecContext(ctx, deleteSessionsOf+` AND hash <> ?2`, account, kept)
	return sqlite.Failure(err, "delete other sessions of account %d", account)
}

// TrimSessionsOf leaves an account the sessions that were used last.
func (l Ledger) TrimSessionsOf(ctx context.Context, account int64, most int) error {
	_, err := l.Writer.ExecContext(ctx, `
DELETE FROM sessions WHERE account = ?1 AND hash NOT IN
(SELECT hash FROM sessions WHERE account = ?1 ORDER BY seen_at DESC, created_at DESC LIMIT ?2)`, account, most)
	return sqlite.Failure(err, "trim sessions of account %d", account)
}

// DeleteExpiredSessions removes every session that is over at the moment now.
func (l Ledger) DeleteExpiredSessions(ctx context.Context, now time.Time, life account.SessionLife) error {
	_, err := l.Writer.ExecContext(ctx, `
DELETE FROM sessions WHERE seen_at <= ? OR created_at <= ? OR pending IS NOT NULL AND created_at <= ?`,
		sqlite.Micros(now.Add(-life.Idle)), sqlite.Micros(now.Add(-life.Absolute)), sqlite.Micros(now.Add(-account.PendingLogin)))
	return sqlite.Failure(err, "delete expired sessions")
}

const deleteSessionsOf = `DELETE FROM sessions WHERE (account = ?1 OR pending = ?1)`

func scanSession(columns sqlite.Row) (s account.Session, err error) {
	err = columns.Scan(&s.Hash, &s.Account, &s.Pending, &s.Data, &s.Address, &s.UserAgent,
		sqlite.TimeInto(&s.CreatedAt), sqlite.TimeInto(&s.SeenAt))
	return s, err
}

// notNil keeps no bytes from being stored as NULL.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
