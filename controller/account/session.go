package account

import (
	"context"
	"time"
)

// The default lives of a session. SessionIdle is the time without a request.
// SessionAbsolute is the time from its beginning, however busy it is. PendingLogin is the
// time for the second factor.
const (
	SessionIdle     = 30 * time.Minute
	SessionAbsolute = 12 * time.Hour
	PendingLogin    = 5 * time.Minute
)

// SessionsPerAccount is the most sessions of one account. A further session ends the one
// that was not used for longest.
const SessionsPerAccount = 50

// SessionLife is how long a session lasts. The zero value ends it at once.
type SessionLife struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // from its beginning
}

// DefaultSessionLife returns the life of a session without a configuration.
func DefaultSessionLife() SessionLife {
	return SessionLife{Idle: SessionIdle, Absolute: SessionAbsolute}
}

// Session is the server's record of one browser; the browser holds only the id.
type Session struct {
	Hash      string // SHA-256 of the id in hex; the id itself is never kept
	Account   int64  // the signed-in account; 0 before the sign-in
	Pending   int64  // the account whose password was right while its second factor is missing; 0 if Account is not
	Data      []byte // the session's values as the web layer encoded them
	Address   string // the address of its last request that counted as activity
	UserAgent string // the browser's name of itself at the sign-in
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

// SessionLedger keeps the sessions. A missing session is problem.ErrNotFound. To delete a
// missing session is no error unless the method says so.
type SessionLedger interface {
	// CreateSession stores a session with a new hash.
	CreateSession(context.Context, Session) error
	// UpdateSession changes the content of a session; problem.ErrNotFound if it has
	// ended. An ended session never comes back.
	UpdateSession(context.Context, Session) error
	// FindSession returns the session as stored; the caller checks whether it is Expired.
	FindSession(ctx context.Context, hash string) (Session, error)
	// ListSessionsOf returns the sessions of an account, the last used first, without
	// pending ones.
	ListSessionsOf(ctx context.Context, account int64) ([]Session, error)
	DeleteSession(ctx context.Context, hash string) error
	// DeleteSessionOf ends a session of that account; problem.ErrNotFound if the session
	// is another account's.
	DeleteSessionOf(ctx context.Context, account int64, hash string) error
	// DeleteSessionsOf ends every session of the account, pending ones too.
	DeleteSessionsOf(ctx context.Context, account int64) error
	// DeleteOtherSessionsOf ends all sessions of the account except one.
	DeleteOtherSessionsOf(ctx context.Context, account int64, kept string) error
	// TrimSessionsOf ends the sessions that were not used for longest, until most are
	// left.
	TrimSessionsOf(ctx context.Context, account int64, most int) error
	// DeleteExpiredSessions removes every session that is Expired at the moment now.
	DeleteExpiredSessions(ctx context.Context, now time.Time, life SessionLife) error
}
