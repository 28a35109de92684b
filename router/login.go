package router

import (
	"cmp"
	"net/http"
	"strings"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/problem"
)

type loginPage struct {
	frame
	Several  bool // accounts: the form asks for a name
	Username string
	Next     string
	Wrong    *problem.Problem
}

func (a *admin) showLogin(v *visit) error {
	if _, err := a.signedInAccount(v); err == nil {
		return v.seeOther(nextPath(v.gin.Query("next")))
	}
	return a.loginForm(v, http.StatusOK, loginPage{Next: v.gin.Query("next")})
}

// createLogin signs the person in, under a session id that nobody had before, or
// asks for the second factor where there is one.
func (a *admin) createLogin(v *visit) error {
	form := v.request().PostForm
	name, err := a.loginName(v)
	if err != nil {
		return err
	}
	account, err := a.accounts.SignIn(v.context(), name, form.Get("password"))
	v.done.account = recordedName(account)
	if problem.KindOf(err) == problem.KindUnauthorized {
		v.done.detail = "refused: wrong user name or password"
		a.logger.WarnContext(v.context(), "sign-in refused", "request_id", requestID(v.gin), "address", v.address())
		return a.loginForm(v, http.StatusUnauthorized, loginPage{
			Username: form.Get("username"), Next: form.Get("next"), Wrong: asProblem(err),
		})
	}
	if err != nil {
		return err
	}
	v.refund()
	if account.SecondFactor {
		v.done.halfway = true
		return v.askForCode(account, form.Get("next"))
	}
	return a.finishLogin(v, account, form.Get("next"))
}

// loginName is the name of the account that somebody tries to sign in to. Where
// there is one account there is no field for it, and what a password manager has
// put into its hidden one counts for nothing.
func (a *admin) loginName(v *visit) (string, error) {
	several, err := a.accounts.Several(v.context())
	if err != nil || !several {
		return "", err
	}
	return v.request().PostForm.Get("username"), nil
}

func (a *admin) loginForm(v *visit, status int, page loginPage) error {
	var err error
	if page.Several, err = a.accounts.Several(v.context()); err != nil {
		return err
	}
	page.frame = v.frame("Sign in")
	return v.page(status, "login", page)
}

// finishLogin signs in an account that has shown all it must.
func (a *admin) finishLogin(v *visit, account account.Account, next string) error {
	if err := v.beginSession(account); err != nil {
		return err
	}
	if err := a.accounts.NoteLogin(v.context(), account.ID); err != nil {
		return err
	}
	a.logger.InfoContext(v.context(), "signed in", "request_id", requestID(v.gin), "account", account.Name, "address", v.address())
	if account.MustChange {
		return v.seeOther("/password")
	}
	return v.seeOther(nextPath(next))
}

// beginSession signs the account in under a new id; the old id is worth nothing any more.
func (v *visit) beginSession(account account.Account) error {
	session := v.session()
	session.Delete(pendingKey)
	session.Delete(enrolmentKey)
	session.Set(accountKey, account.ID)
	session.Set(addressKey, v.address())
	session.Set(renewKey, true)
	if err := session.Save(); err != nil {
		return err
	}
	v.rememberAddress(account)
	return nil
}

// recordedName is the name that the audit log gets: never what somebody typed,
// which is at times the password.
func recordedName(account account.Account) string {
	return cmp.Or(account.Name, audit.UnknownAccount)
}

// nextPath is where to go after signing in: a page of ours, never another site.
func nextPath(wanted string) string {
	known := wanted == "/upload" || wanted == "/password" || strings.HasPrefix(wanted, "/admin/") || strings.HasPrefix(wanted, "/settings/")
	if !known {
		return "/admin"
	}
	return ownPath(wanted)
}
