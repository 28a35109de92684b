package router

import (
	"net/http"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/secret"
)

// accountPage is one's own account: its password, and how things stand with the
// second factor. With a one-time password in use it is the form alone.
type accountPage struct {
	frame
	Forced   bool // the person signed in with a one-time password
	Rules    string
	Mine     account.Account
	Problems fieldProblems
}

func (a *admin) showPassword(v *visit) error {
	return a.passwordForm(v, http.StatusOK, nil)
}

// updatePassword changes the password, ends every session of the account, and
// begins a new one for this browser.
func (a *admin) updatePassword(v *visit) error {
	form := v.request().PostForm
	problems := fieldProblems{}
	if form.Has("repeat_password") && form.Get("repeat_password") != form.Get("new_password") {
		problems["repeat_password"] = problem.Invalid("The two new passwords differ.", "Type the new password twice.")
		v.refund() // nothing was tried
		return a.passwordForm(v, problems.status(), problems)
	}
	account := v.caller.account
	err := a.accounts.ChangePassword(v.context(), account.ID, form.Get("old_password"), form.Get("new_password"))
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		if problems["old_password"] == nil {
			v.refund() // the password was right
		}
		return a.passwordForm(v, problems.status(), problems)
	}
	v.refund()
	v.session().Set(noticeKey, "The password is changed. Every other session is signed out.")
	if err := v.beginSession(account); err != nil {
		return err
	}
	return v.seeOther("/admin")
}

func (a *admin) passwordForm(v *visit, status int, problems fieldProblems) error {
	mine := v.caller.account
	page := accountPage{
		frame: v.frame("Account"), Forced: mine.MustChange, Rules: secret.PasswordRules, Mine: mine, Problems: problems,
	}
	page.Section, page.Bare = "settings", page.Forced
	if !page.Forced {
		page.Tab = "account"
	}
	page.Problem = problems[""]
	return v.page(status, "account", page)
}
