package controller

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

	ActionReleaseCancel Action = "RELEASE_CANCEL"
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

// AuditEvent is one thing that somebody did or tried. It never holds a secret,
// a token or a password.
type AuditEvent struct {
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
	Record(context.Context, AuditEvent)
}
