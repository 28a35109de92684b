package controller

import (
	"context"
	"time"
)

// How long a session holds: SessionIdle without a request, SessionAbsolute
// from its beginning however busy it is.
const (
	SessionIdle     = 30 * time.Minute
	SessionAbsolute = 12 * time.Hour
)

// Session is what the server remembers of one browser; the browser holds the id alone.
type Session struct {
	Hash      string // SHA-256 of the id in hex; the id itself is never kept
	Account   int64  // who is signed in; 0 before that
	Data      []byte // the session's values as the web layer encoded them
	CreatedAt time.Time
	SeenAt    time.Time // its last request
}

// Expired reports whether the session is over at the moment now.
func (s Session) Expired(now time.Time) bool {
	return now.Sub(s.SeenAt) >= SessionIdle || now.Sub(s.CreatedAt) >= SessionAbsolute
}

// SessionLedger keeps the sessions. A missing one is ErrNotFound; to delete a
// missing one is no error.
type SessionLedger interface {
	// SaveSession creates the session or replaces the one of the same hash.
	SaveSession(context.Context, Session) error
	// FindSession gives the session as stored; whether it is Expired is the caller's question.
	FindSession(ctx context.Context, hash string) (Session, error)
	DeleteSession(ctx context.Context, hash string) error
	DeleteSessionsOf(ctx context.Context, account int64) error
	// DeleteExpiredSessions removes every session that is Expired at the moment now.
	DeleteExpiredSessions(ctx context.Context, now time.Time) error
}
