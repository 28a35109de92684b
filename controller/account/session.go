package account

import (
	"context"
	"time"
)

// How long a session holds unless the configuration says otherwise:
// SessionIdle without a request, SessionAbsolute from its beginning however busy
// it is. PendingLogin is how long a person has for the second factor.
const (
	SessionIdle     = 30 * time.Minute
	SessionAbsolute = 12 * time.Hour
	PendingLogin    = 5 * time.Minute
)

// SessionsPerAccount is how many sessions an account can have; the one that was
// not used for longest ends where there would be more.
const SessionsPerAccount = 50

// SessionLife is how long a session holds. The zero value ends it at once.
type SessionLife struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // from its beginning
}

// DefaultSessionLife returns the life of a session that nobody configured.
func DefaultSessionLife() SessionLife {
	return SessionLife{Idle: SessionIdle, Absolute: SessionAbsolute}
}

// Session is what the server remembers of one browser; the browser holds the id alone.
type Session struct {
	Hash      string // SHA-256 of the id in hex; the id itself is never kept
	Account   int64  // who is signed in; 0 before that
	Pending   int64  // whose password was right while the second factor is still to come; 0 where Account is not
	Data      []byte // the session's values as the web layer encoded them
	Address   string // of its last request that counted as a sign of life
	UserAgent string // as the browser called itself when it signed in
	CreatedAt time.Time
	SeenAt    time.Time // its last request
}

// Expired reports whether the session is over at the moment now.
func (s Session) Expired(now time.Time, life SessionLife) bool {
	age := now.Sub(s.CreatedAt)
	if s.Pending != 0 && age >= PendingLogin {
		return true
	}
	return now.Sub(s.SeenAt) >= life.Idle || age >= life.Absolute
}

// SessionLedger keeps the sessions. A missing one is problem.ErrNotFound; to delete a
// missing one is no error unless the method says so.
type SessionLedger interface {
	// CreateSession stores a session of a hash that there is not yet.
	CreateSession(context.Context, Session) error
	// UpdateSession changes what a session holds. problem.ErrNotFound where it has ended
	// meanwhile: what has ended never comes back.
	UpdateSession(context.Context, Session) error
	// FindSession gives the session as stored; whether it is Expired is the caller's question.
	FindSession(ctx context.Context, hash string) (Session, error)
	// ListSessionsOf gives the sessions of an account, the last used first, and none that is pending.
	ListSessionsOf(ctx context.Context, account int64) ([]Session, error)
	DeleteSession(ctx context.Context, hash string) error
	// DeleteSessionOf ends a session of that account; problem.ErrNotFound where it is not one of its.
	DeleteSessionOf(ctx context.Context, account int64, hash string) error
	// DeleteSessionsOf ends every session of the account, the pending ones too.
	DeleteSessionsOf(ctx context.Context, account int64) error
	// DeleteOtherSessionsOf ends all of them but one.
	DeleteOtherSessionsOf(ctx context.Context, account int64, kept string) error
	// TrimSessionsOf ends those that were not used for longest, so that most are left.
	TrimSessionsOf(ctx context.Context, account int64, most int) error
	// DeleteExpiredSessions removes every session that is Expired at the moment now.
	DeleteExpiredSessions(ctx context.Context, now time.Time, life SessionLife) error
}
