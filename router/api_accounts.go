package router

import (
	"net/http"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
)

// accountJSON is an account as the API shows it.
type accountJSON struct {
	Name         string     `json:"name"`
	CreatedAt    time.Time  `json:"created_at"`
	LoginAt      *time.Time `json:"login_at"` // the last sign-in; null: never
	SecondFactor bool       `json:"second_factor"`
	MustChange   bool       `json:"must_change"` // a one-time password, which was not used yet
	Sessions     int        `json:"sessions"`
}

// accountsJSON is all accounts.
type accountsJSON struct {
	Accounts []accountJSON `json:"accounts"`
}

// sessionJSON is a session of an account. Its ID names it, and does not open it.
type sessionJSON struct {
	ID        string    `json:"id"`
	Device    string    `json:"device"`
	Address   string    `json:"address"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
}

// sessionsJSON is the sessions of an account, the last used first.
type sessionsJSON struct {
	Sessions []sessionJSON `json:"sessions"`
}

// apiListAccounts shows accounts. Accounts and passwords are made by a person alone: a
// token would get past its own scope and end with them.
func (a *admin) apiListAccounts(v *visit) error {
	found, err := a.accounts.List(v.context())
	if err != nil {
		return err
	}
	made := accountsJSON{Accounts: []accountJSON{}}
	for _, one := range found {
		row, err := v.accountRow(one)
		if err != nil {
			return err
		}
		made.Accounts = append(made.Accounts, accountJSON{
			Name: one.Name, CreatedAt: one.CreatedAt, LoginAt: timeOrNull(one.LoginAt),
			SecondFactor: one.SecondFactor, MustChange: one.MustChange, Sessions: row.Sessions,
		})
	}
	return v.json(http.StatusOK, made)
}

// apiDeleteAccount takes the name in the path as the confirmation.
func (a *admin) apiDeleteAccount(v *visit) error {
	name, err := v.accountName()
	if err != nil {
		return err
	}
	if err := a.accounts.Remove(v.context(), v.caller.token.Account, name, name); err != nil {
		return err
	}
	return v.emptyAnswer()
}

func (a *admin) apiListSessions(v *visit) error {
	who, err := v.namedAccount()
	if err != nil {
		return err
	}
	found, err := a.sessions.list(v.context(), who.ID)
	if err != nil {
		return err
	}
	made := sessionsJSON{Sessions: []sessionJSON{}}
	for _, one := range found {
		made.Sessions = append(made.Sessions, sessionJSON{one.Hash, device(one.UserAgent), one.Address, one.CreatedAt, one.SeenAt})
	}
	return v.json(http.StatusOK, made)
}

// apiEndSession ends one session of an account.
func (a *admin) apiEndSession(v *visit) error {
	who, err := v.namedAccount()
	if err != nil {
		return err
	}
	v.done.resource = "session of " + who.Name
	err = a.sessions.ledger.DeleteSessionOf(v.context(), who.ID, v.gin.Param("session"))
	if isMissing(err) {
		return problem.NotFound("This session has ended already.", "Look at the list again.").Because(err)
	}
	if err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiEndSessions ends every session of an account.
func (a *admin) apiEndSessions(v *visit) error {
	who, err := v.namedAccount()
	if err != nil {
		return err
	}
	v.done.resource = "sessions of " + who.Name
	if err := a.sessions.ledger.DeleteSessionsOf(v.context(), who.ID); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// namedAccount is the account that the path names.
func (v *visit) namedAccount() (account.Account, error) {
	name, err := v.accountName()
	if err != nil {
		return account.Account{}, err
	}
	found, err := v.admin.accounts.List(v.context())
	if err != nil {
		return account.Account{}, err
	}
	for _, one := range found {
		if one.Name == name {
			return one, nil
		}
	}
	return account.Account{}, notFound("There is no account of this name.", nil)
}

// timeOrNull is null for the zero time.
func timeOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
