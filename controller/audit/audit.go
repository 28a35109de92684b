// Package audit records what was done, and by whom, in a chain that shows tampering.
package audit

import (
	"context"
	"time"
)

// Action is what was done or tried.
type Action string

// The actions of people and tokens. A route of the admin app that changes something names
// its action in the table of routes.
const (
	ActionLoginSuccess   Action = "LOGIN_SUCCESS"
	ActionLoginFailure   Action = "LOGIN_FAILURE"
	ActionLogout         Action = "LOGOUT"
	ActionPasswordChange Action = "PASSWORD_CHANGE"

	// ActionBrokerRefusal is a call of this process that the broker refused.
	ActionBrokerRefusal Action = "BROKER_REFUSAL"

	ActionAppCreate   Action = "APP_CREATE"
	ActionAppUpdate   Action = "APP_UPDATE"
	ActionAppStart    Action = "APP_START"
	ActionAppStop     Action = "APP_STOP"
	ActionAppRestart  Action = "APP_RESTART"
	ActionAppRun      Action = "APP_RUN" // a command ran once; its program, never its arguments
	ActionAppDelete   Action = "APP_DELETE"
	ActionAppRollback Action = "APP_ROLLBACK"
	ActionAppRename   Action = "APP_RENAME" // the entry names the new name, its detail the former one
	ActionAppSettings Action = "APP_SETTINGS"
	ActionAppAccess   Action = "APP_ACCESS" // who may use the app; names and numbers, never a password

	ActionEnvironmentChange Action = "ENVIRONMENT_CHANGE" // names and numbers, never a value
	ActionEnvironmentApply  Action = "ENVIRONMENT_APPLY"

	ActionReleaseCancel  Action = "RELEASE_CANCEL"
	ActionReleaseArchive Action = "RELEASE_ARCHIVE" // what a release was built from was downloaded
	ActionReleaseRetry   Action = "RELEASE_RETRY"   // a failed release's archive, image or earlier release, again

	ActionVolumeCreate     Action = "VOLUME_CREATE"
	ActionVolumeUpload     Action = "VOLUME_UPLOAD"
	ActionVolumeFileDelete Action = "VOLUME_FILE_DELETE"
	ActionVolumeDelete     Action = "VOLUME_DELETE"
	ActionVolumeQuota      Action = "VOLUME_QUOTA"
	ActionAppMove          Action = "APP_MOVE"     // an app goes to another server, has arrived or did not
	ActionVolumeMount      Action = "VOLUME_MOUNT" // the volumes of an app were changed

	ActionTokenCreate Action = "TOKEN_CREATE"
	ActionTokenRevoke Action = "TOKEN_REVOKE"

	ActionKeyAdd    Action = "SSH_KEY_ADD" // the entry names the fingerprint
	ActionKeyRemove Action = "SSH_KEY_REMOVE"

	ActionRegistryChange Action = "REGISTRY_LOGIN_CHANGE" // how Berth signs in to a registry of images
	ActionRegistryTest   Action = "REGISTRY_LOGIN_TEST"
)

// The actions on routes and hosts.
const (
	ActionRouteChange    Action = "ROUTE_CHANGE"
	ActionEgressChange   Action = "EGRESS_CHANGE" // where an app may connect to
	ActionPortChange     Action = "PORT_CHANGE"   // a public port of an app over TCP or UDP
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

// The actions of backups.
const (
	ActionBackupSettings Action = "BACKUP_SETTINGS"
	ActionBackupKey      Action = "BACKUP_KEY"   // a key was made and shown once; the entry names the public half
	ActionBackupHook     Action = "BACKUP_HOOK"  // the command of an app around backups; never its words
	ActionBackupDrill    Action = "BACKUP_DRILL" // a backup was restored aside and compared
	ActionBackupStart    Action = "BACKUP_START"
	ActionBackupEnd      Action = "BACKUP_END" // a backup is whole, or failed
)

// The actions of rate limits.
const (
	ActionRateLimitExceeded Action = "RATE_LIMIT_EXCEEDED"
	ActionRateLimitClear    Action = "RATE_LIMIT_CLEAR"
	ActionRateLimitChange   Action = "RATE_LIMIT_CHANGE"
)

// The actions on the server's disk.
const (
	ActionRetentionChange Action = "RETENTION_CHANGE" // how long releases, logs and the audit log are kept
	ActionDiskClean       Action = "DISK_CLEAN"       // a person removed what is not kept
)

// The actions on alerts.
const (
	ActionAlertChange Action = "ALERT_CHANGE" // a rule or a channel; names, never a secret
	ActionAlertTest   Action = "ALERT_TEST"
	ActionAlertMute   Action = "ALERT_MUTE" // a mute of a rule, or of what fires, began or ended
)

// Events beside the routes that change something.
const (
	ActionReleaseLive   Action = "RELEASE_LIVE"   // a release took over; the account is its creator's
	ActionReleaseFailed Action = "RELEASE_FAILED" // a release failed or was cancelled
	ActionWaiverGrant   Action = "WAIVER_GRANT"   // an app got a security exception
	ActionWaiverRevoke  Action = "WAIVER_REVOKE"

	ActionAccessDenied Action = "ACCESS_DENIED" // a bearer or a session asked for a page that it may not see

	ActionAuditExport Action = "AUDIT_EXPORT"
	ActionAuditVerify Action = "AUDIT_VERIFY"

	ActionChecklistCheck Action = "CHECKLIST_CHECK"
	ActionProbeRun       Action = "PROBE_RUN"    // a container tried what no app may reach
	ActionAuditRepair    Action = "AUDIT_REPAIR" // audit.log had lost entries, and Berth wrote them again
	ActionAuditCut       Action = "AUDIT_CUT"    // the oldest entries were removed: their time was over
)

// The accounts of entries without an account.
const (
	CommandLine    = "command line"
	UnknownAccount = "unknown account" // the typed text is not kept, because it may be a password
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
	ActionSecondFactorDecline   Action = "SECOND_FACTOR_DECLINE" // the suggestion of a second factor
	ActionSecondFactorFailure   Action = "SECOND_FACTOR_FAILURE" // a wrong code outside of the login
	ActionRecoveryCodeUsed      Action = "RECOVERY_CODE_USED"
	ActionRecoveryCodesRenew    Action = "RECOVERY_CODES_RENEW"
	ActionRecoveryCodesDownload Action = "RECOVERY_CODES_DOWNLOAD"
)

// Event is one thing that a person or token did or tried. It never holds a secret, a
// token or a password.
type Event struct {
	At        time.Time // the zero time means now
	Action    Action
	Resource  string // the object of the action, such as "app shop"; may be empty
	Success   bool
	Account   string // an account, or "token NAME"; empty if nobody was signed in
	Address   string // the client's IP address; empty for the command line
	UserAgent string
	RequestID string
	Detail    string // one line for people, such as the granted exception; may be empty
}

// Auditor records events. It never fails the recorded action: an event that cannot be
// stored goes to the log of the program.
type Auditor interface {
	Record(context.Context, Event)
}

// Origin is the source of a request. Code below the router takes it from the context.
type Origin struct {
	Address   string
	UserAgent string
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context that gives its audit entries the origin, unless they name
// one themselves.
func WithOrigin(ctx context.Context, origin Origin) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

// Entry is an event as the log keeps it: one link of a chain.
type Entry struct {
	Event
	Sequence int64  // from 1, without a gap
	Previous string // the Hash of the entry before
	Hash     string // keyed, in hex: nobody can make it without the key
}

// Head is the end of the chain. The zero head belongs to an empty log.
type Head struct {
	Count   int64  // Sequence of the last entry
	Hash    string // of the last entry
	Written int64  // the last entry that audit.log is known to hold
	MAC     string // over the other fields, under the key of the chain
}

// Base is where the kept part of the chain begins. The zero Base belongs to a log of which
// nothing was removed.
type Base struct {
	Count int64     // Sequence of the last entry that was removed
	Hash  string    // of that entry: the first kept one holds it
	Cut   time.Time // when it was removed
	MAC   string    // over the other fields, under the key of the chain
}

// Outcome filters by success. The zero value means any.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "success"
	Failed    Outcome = "failure"
)

// Filter says which entries to list. A zero field does not filter.
type Filter struct {
	Text    string // anywhere in the entry, in any case
	Action  Action
	Account string // a part of the account, in any case
	Outcome Outcome
	From    time.Time
	To      time.Time // exclusive
}

// Page is a part of a list, the newest entry first. At most one of Before and After is
// set. With neither, it begins at the newest entry.
type Page struct {
	Before int64 // entries older than this one
	After  int64 // the oldest entries newer than this one; below zero, the oldest of all
	Limit  int
}

// Ledger keeps the entries. No method changes an entry, and only CutAudit deletes some.
type Ledger interface {
	// AppendAudit calls next with the head and the first free sequence after it, and
	// stores the entries and the head that next returns. All of this is one transaction
	// without another writer in between. If next returns no entries, nothing is stored.
	AppendAudit(ctx context.Context, next func(head Head, free int64) ([]Entry, Head)) error
	// FindAuditHead returns the head and the highest stored sequence. They differ only if
	// a stranger has written to the ledger.
	FindAuditHead(context.Context) (head Head, last int64, err error)
	// FindAudit returns one entry; problem.ErrNotFound if there is none.
	FindAudit(ctx context.Context, sequence int64) (Entry, error)
	// ListAudit returns a page of the entries that pass the filter, the newest first.
	ListAudit(context.Context, Filter, Page) ([]Entry, error)
	// ListAuditFrom returns at most limit entries from a sequence on, the oldest first.
	ListAuditFrom(ctx context.Context, sequence int64, limit int) ([]Entry, error)
	// FindAuditBase returns where the kept entries begin.
	FindAuditBase(context.Context) (Base, error)
	// CutAudit stores the base, which is later than the one before, and deletes the entries
	// up to it, in one transaction.
	CutAudit(context.Context, Base) error
	ListAuditActions(context.Context) ([]Action, error)  // the actions that have entries, in order
	ListAuditAccounts(context.Context) ([]string, error) // at most 100, in order
}
