package router

import (
	"net/http"
	"strings"

	"berth/controller"
)

type loginPage struct {
	frame
	Username string
	Next     string
	Wrong    *controller.Problem
}

func (a *admin) showLogin(v *visit) error {
	if _, err := a.signedInAccount(v); err == nil {
		return v.seeOther(nextPath(v.gin.Query("next")))
	}
	return v.page(http.StatusOK, "login", loginPage{frame: v.frame("Sign in"), Next: v.gin.Query("next")})
}

// createLogin signs the person in, under a session id that nobody had before.
func (a *admin) createLogin(v *visit) error {
	form := v.request().PostForm
	account, err := a.accounts.SignIn(v.context(), form.Get("username"), form.Get("password"))
	if v.done.account = account.Name; account.Name == "" {
		v.done.account = controller.AuditUnknownAccount
	}
	if controller.KindOf(err) == controller.KindUnauthorized {
		v.done.detail = "refused: the name or the password is not right"
		a.logger.WarnContext(v.context(), "sign-in refused", "request_id", requestID(v.gin), "address", v.address())
		return v.page(http.StatusUnauthorized, "login", loginPage{
			frame: v.frame("Sign in"), Username: form.Get("username"), Next: form.Get("next"), Wrong: asProblem(err),
		})
	}
	if err != nil {
		return err
	}
	v.refund()
	if err := v.beginSession(account); err != nil {
		return err
	}
	a.logger.InfoContext(v.context(), "signed in", "request_id", requestID(v.gin), "account", account.Name, "address", v.address())
	if account.MustChange {
		return v.seeOther("/password")
	}
	return v.seeOther(nextPath(form.Get("next")))
}

// beginSession signs the account in under a new id; the old id is worth nothing any more.
func (v *visit) beginSession(account controller.Account) error {
	v.session().Set(accountKey, account.ID)
	v.session().Set(renewKey, true)
	if err := v.session().Save(); err != nil {
		return err
	}
	v.rememberAddress(account)
	return nil
}

// nextPath is where to go after signing in: a page of ours, never another site.
func nextPath(wanted string) string {
	known := wanted == "/upload" || wanted == "/password" || strings.HasPrefix(wanted, "/admin/")
	if !known || strings.ContainsAny(wanted, "\\?#%\r\n") || strings.Contains(wanted, "//") {
		return "/admin"
	}
	return wanted
}
