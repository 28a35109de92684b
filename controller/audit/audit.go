// Package audit keeps what was done, and by whom, in a chain that shows tampering.
package audit

import (
	"context"
	"time"
)

// Action names what was done, or tried, as an audit entry carries it.
type Action string

// The actions of people and tokens. A route of the admin app that changes
// something names one in its line of the table.
const (
	ActionLoginSuccess   Action = "LOGIN_SUCCESS"
	ActionLoginFailure   Action = "LOGIN_FAILURE"
	ActionLogout         Action = "LOGOUT"
	ActionPasswordChange Action = "PASSWORD_CHANGE"

	ActionAppCreate   Action = "APP_CREATE"
	ActionAppUpdate   Action = "APP_UPDATE"
	ActionAppStart    Action = "APP_START"
	ActionAppStop     Action = "APP_STOP"
	ActionAppRestart  Action = "APP_RESTART"
	ActionAppDelete   Action = "APP_DELETE"
	ActionAppRollback Action = "APP_ROLLBACK"
	ActionAppSettings Action = "APP_SETTINGS"
	ActionAppAccess   Action = "APP_ACCESS" // who may use the app; names and numbers, never a password

	ActionEnvironmentChange Action = "ENVIRONMENT_CHANGE" // names and numbers, never a value
	ActionEnvironmentApply  Action = "ENVIRONMENT_APPLY"

	ActionReleaseCancel Action = "RELEASE_CANCEL"
	ActionReleaseRetry  Action = "RELEASE_RETRY" // what one that failed was made of, again

	ActionVolumeCreate     Action = "VOLUME_CREATE"
	ActionVolumeUpload     Action = "VOLUME_UPLOAD"
	ActionVolumeFileDelete Action = "VOLUME_FILE_DELETE"
	ActionVolumeDelete     Action = "VOLUME_DELETE"
	ActionVolumeQuota      Action = "VOLUME_QUOTA"
	ActionVolumeMount      Action = "VOLUME_MOUNT" // the volumes of an app were changed

	ActionTokenCreate Action = "TOKEN_CREATE"
	ActionTokenRevoke Action = "TOKEN_REVOKE"
)

// The actions on routes and hosts.
const (
	ActionRouteChange    Action = "ROUTE_CHANGE"
	ActionRedirectChange Action = "REDIRECT_CHANGE"
	ActionHomeChange     Action = "HOME_CHANGE"
	ActionHostCheck      Action = "HOST_CHECK"
)

// The actions on certificates and on the proxy.
const (
	ActionDomainChange      Action = "DOMAIN_CHANGE"
	ActionCertificateUpload Action = "CERTIFICATE_UPLOAD"
	ActionCertificateRemove Action = "CERTIFICATE_REMOVE"
	ActionCertificateAsk    Action = "CERTIFICATE_ASK"
	ActionProxySettings     Action = "PROXY_SETTINGS" // names of what changed, never a value
)

// The actions of rate limits.
const (
	ActionRateLimitExceeded Action = "RATE_LIMIT_EXCEEDED"
	ActionRateLimitClear    Action = "RATE_LIMIT_CLEAR"
	ActionRateLimitChange   Action = "RATE_LIMIT_CHANGE"
)

// What happens beside the routes that change something.
const (
	ActionReleaseLive   Action = "RELEASE_LIVE"   // a release took over; by whoever began it
	ActionReleaseFailed Action = "RELEASE_FAILED" // or did not, or was cancelled
	ActionWaiverGrant   Action = "WAIVER_GRANT"   // the hardening policy of an app was loosened
	ActionWaiverRevoke  Action = "WAIVER_REVOKE"

	ActionAccessDenied Action = "ACCESS_DENIED" // a bearer or a session asked for what it may not see

	ActionAuditExport Action = "AUDIT_EXPORT"
	ActionAuditVerify Action = "AUDIT_VERIFY"
	ActionAuditRepair Action = "AUDIT_REPAIR" // audit.log had lost entries, which were written again
)

// Accounts of entries that no account stands behind.
const (
	CommandLine    = "command line"
	UnknownAccount = "unknown account" // what was typed is not kept: it may be a password
)

// The actions on accounts, sessions and second factors.
const (
	ActionAccountCreate Action = "ACCOUNT_CREATE"
	ActionAccountRemove Action = "ACCOUNT_REMOVE"
	ActionPasswordReset Action = "PASSWORD_RESET"
	ActionSessionEnd    Action = "SESSION_END"

	ActionSecondFactorBegin     Action = "SECOND_FACTOR_BEGIN"
	ActionSecondFactorEnable    Action = "SECOND_FACTOR_ENABLE"
	ActionSecondFactorDisable   Action = "SECOND_FACTOR_DISABLE"
	ActionSecondFactorDecline   Action = "SECOND_FACTOR_DECLINE" // the suggestion to have one
	ActionSecondFactorFailure   Action = "SECOND_FACTOR_FAILURE" // a wrong code outside of the login
	ActionRecoveryCodeUsed      Action = "RECOVERY_CODE_USED"
	ActionRecoveryCodesRenew    Action = "RECOVERY_CODES_RENEW"
	ActionRecoveryCodesDownload Action = "RECOVERY_CODES_DOWNLOAD"
)

// Event is one thing that somebody did or tried. It never holds a secret,
// a token or a password.
type Event struct {
	At        time.Time // the zero time means now
	Action    Action
	Resource  string // what it was done to, such as "app shop"; may be empty
	Success   bool
	Account   string // who: an account, or "token NAME"; empty where nobody was signed in
	Address   string // the client's IP address; empty for the command line
	UserAgent string
	RequestID string
	Detail    string // one line for people, such as which waiver was granted; may be empty
}

// Auditor keeps what was done. It never fails what it records: what cannot be
// kept goes to the log of the program.
type Auditor interface {
	Record(context.Context, Event)
}

// Origin is where a request came from. What is recorded below the router
// takes it from the context.
type Origin struct {
	Address   string
	UserAgent string
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context whose audit entries name the origin, where
// they name none themselves.
func WithOrigin(ctx context.Context, origin Origin) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

// Entry is an event as the log keeps it: one link of a chain.
type Entry struct {
	Event
	Sequence int64  // from 1, without a gap
	Previous string // the Hash of the entry before
	Hash     string // keyed, in hex: who does not have the key cannot make one
}

// Head is the end of the chain. The zero head is that of an empty log.
type Head struct {
	Count   int64  // Sequence of the last entry
	Hash    string // of the last entry
	Written int64  // the entry that audit.log is known to reach
	MAC     string // over the other fields, under the key of the chain
}

// Outcome filters by how it went. The zero value means any.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "success"
	Failed    Outcome = "failure"
)

// Filter says which entries to list. A zero field does not filter.
type Filter struct {
	Text    string // somewhere in the entry, whatever the case
	Action  Action
	Account string // a part of who did it, whatever the case
	Outcome Outcome
	From    time.Time
	To      time.Time // exclusive
}

// Page is a part of a list, the newest entry first. At most one of Before
// and After is set; with neither it begins at the newest.
type Page struct {
	Before int64 // entries older than this one
	After  int64 // the oldest entries newer than this one; below zero, the oldest of all
	Limit  int
}

// Ledger keeps the entries. Nothing in it changes or deletes one.
type Ledger interface {
	// AppendAudit calls next with the head and the first sequence after it that is
	// free, and stores the entries and the head that it returns: one transaction,
	// in between which nobody else writes. No entries: nothing is stored.
	AppendAudit(ctx context.Context, next func(head Head, free int64) ([]Entry, Head)) error
	// FindAuditHead returns the head and the highest sequence that is stored,
	// which differ only where somebody else has written.
	FindAuditHead(context.Context) (head Head, last int64, err error)
	// FindAudit returns one entry; problem.ErrNotFound where there is none.
	FindAudit(ctx context.Context, sequence int64) (Entry, error)
	// ListAudit returns a page of the entries that pass the filter, the newest first.
	ListAudit(context.Context, Filter, Page) ([]Entry, error)
	// ListAuditFrom returns at most limit entries from a sequence on, the oldest first.
	ListAuditFrom(ctx context.Context, sequence int64, limit int) ([]Entry, error)
	ListAuditActions(context.Context) ([]Action, error)  // that there are entries of, in order
	ListAuditAccounts(context.Context) ([]string, error) // at most 100, in order
}
