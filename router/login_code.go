package router

import (
	"net/http"
	"net/url"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/problem"
)

// loginCodePath is where the second step of a login is done.
const loginCodePath = "/login/code"

type loginCodePage struct {
	frame
	Next  string
	Wrong *problem.Problem
}

// askForCode begins a session that is good for the second step of this login,
// for some minutes, and for nothing else.
func (v *visit) askForCode(account account.Account, next string) error {
	session := v.session()
	session.Delete(accountKey)
	session.Delete(enrolmentKey)
	session.Set(pendingKey, account.ID)
	session.Set(addressKey, v.address())
	session.Set(renewKey, true)
	if err := session.Save(); err != nil {
		return err
	}
	path := loginCodePath
	if next = nextPath(next); next != "/admin" {
		path += "?" + url.Values{"next": {next}}.Encode()
	}
	return v.seeOther(path)
}

func (a *admin) showLoginCode(v *visit) error {
	_, err := a.pendingAccount(v)
	if problem.KindOf(err) == problem.KindUnauthorized {
		return v.seeOther("/login")
	}
	if err != nil {
		return err
	}
	return v.page(http.StatusOK, "login_code", loginCodePage{frame: v.frame("Sign in"), Next: v.gin.Query("next")})
}

// createLoginCode finishes a login with a code, under another new session id.
func (a *admin) createLoginCode(v *visit) error {
	form := v.request().PostForm
	account, err := a.pendingAccount(v)
	v.done.account = recordedName(account)
	if problem.KindOf(err) == problem.KindUnauthorized {
		v.done.detail = "second factor, too late"
		v.refund() // nothing was tried
		return a.loginForm(v, http.StatusUnauthorized, loginPage{Next: form.Get("next"), Wrong: asProblem(err)})
	}
	if err != nil {
		return err
	}
	v.done.detail = "second factor"
	recovery, err := a.factors.Check(v.context(), account.ID, form.Get("code"))
	if problem.KindOf(err) == problem.KindInvalid {
		a.logger.WarnContext(v.context(), "code refused", "request_id", requestID(v.gin), "account", account.Name, "address", v.address())
		return v.page(http.StatusUnauthorized, "login_code", loginCodePage{
			frame: v.frame("Sign in"), Next: form.Get("next"), Wrong: asProblem(err),
		})
	}
	if err != nil {
		return err
	}
	v.refund()
	if recovery {
		a.audit.Record(v.context(), v.event(audit.ActionRecoveryCodeUsed, true))
		v.session().Set(noticeKey, "You used a recovery code. It works no second time; "+plural(account.RecoveryCodes-1, "code")+" left.")
	}
	return a.finishLogin(v, account, form.Get("next"))
}

// pendingAccount is the account whose password this browser had right some
// minutes ago, or a Problem of problem.KindUnauthorized.
func (a *admin) pendingAccount(v *visit) (account.Account, error) {
	id, _ := v.session().Get(pendingKey).(int64)
	who, err := account.Account{}, problem.ErrNotFound
	if id != 0 {
		who, err = a.accounts.Find(v.context(), id)
	}
	if isMissing(err) || err == nil && !who.SecondFactor {
		return account.Account{}, problem.Unauthorized(
			"The code came too late.",
			"Sign in again from the beginning.",
		).At("password").Because(err)
	}
	return who, err
}
