package router

import (
	"net/http"
	"strconv"
	"time"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/problem"
)

// apiLogin is where a program signs a person in. It takes a form as the page does, and
// there is nothing to borrow from a browser: it begins no session and looks at none.
const apiLogin = "/api/v1/login"

// loginJSON is a token that was made for a sign-in. It is nowhere but in this answer.
type loginJSON struct {
	Token     string        `json:"token"`
	Account   string        `json:"account"`
	Scope     account.Scope `json:"scope"`
	ExpiresAt time.Time     `json:"expires_at"`
}

// apiCreateLogin makes a token for a person who shows all that the sign-in of the pages
// wants: a password, the second factor where there is one, and a password of their own in
// place of a one-time one. The field of the problem says what is missing.
func (a *admin) apiCreateLogin(v *visit) error {
	form := v.request().PostForm
	problems := fieldProblems{}
	options, err := parseTokenForm(form, problems)
	if err != nil {
		return err
	}
	if fault := problems.first(); fault != nil {
		v.refund() // nothing was tried
		return fault
	}
	who, err := a.signInByForm(v)
	if err != nil {
		return err
	}
	if who.MustChange {
		if err := a.replaceOneTimePassword(v, who); err != nil {
			return err
		}
	}
	options.Account = who.ID
	plain, err := a.tokens.MintToken(v.context(), options)
	if err != nil {
		return err
	}
	if err := a.accounts.NoteLogin(v.context(), who.ID); err != nil {
		return err
	}
	v.rememberAddress(who)
	v.done.resource = "token " + options.Name
	v.done.detail = "for the API, scope " + string(options.Scope) + ", holds for " + plural(int(options.TTL/(24*time.Hour)), "day")
	return v.json(http.StatusCreated, loginJSON{
		Token: plain, Account: who.Name, Scope: options.Scope, ExpiresAt: a.now().Add(options.TTL).UTC(),
	})
}

// signInByForm checks the password and the code of the form.
func (a *admin) signInByForm(v *visit) (account.Account, error) {
	form := v.request().PostForm
	name, err := a.loginName(v)
	if err != nil {
		return account.Account{}, err
	}
	who, err := a.accounts.SignIn(v.context(), name, form.Get("password"))
	v.done.account = recordedName(who)
	if err != nil || !who.SecondFactor {
		return who, err
	}
	if form.Get("code") == "" {
		v.refund() // the password was right, and no code was tried
		v.done.halfway = true
		return account.Account{}, problem.Unauthorized("This account has two-factor authentication.", "Send the code of your phone, or a recovery code.").At("code")
	}
	v.done.detail = "second factor"
	recovery, err := a.factors.Check(v.context(), who.ID, form.Get("code"))
	if problem.KindOf(err) == problem.KindInvalid {
		return account.Account{}, problem.Unauthorized("This code is not right, or was used before.", "Type the code that your phone shows now.").At("code").Because(err)
	}
	if err == nil && recovery {
		a.audit.Record(v.context(), v.event(audit.ActionRecoveryCodeUsed, true))
	}
	return who, err
}

// replaceOneTimePassword takes a password of the person's own, as the first page after such
// a sign-in does.
func (a *admin) replaceOneTimePassword(v *visit, who account.Account) error {
	form := v.request().PostForm
	if form.Get("new_password") == "" {
		v.refund()
		v.done.halfway = true
		return problem.Forbidden("The one-time password must be changed first.", "Choose a password of your own.").At("new_password")
	}
	if err := a.accounts.ChangePassword(v.context(), who.ID, form.Get("password"), form.Get("new_password")); err != nil {
		v.refund() // the present one was right
		return err
	}
	changed := v.event(audit.ActionPasswordChange, true)
	changed.Detail = ""
	a.audit.Record(v.context(), changed)
	return nil
}

// apiDeleteLogin ends the token that asks for it.
func (a *admin) apiDeleteLogin(v *visit) error {
	token := v.caller.token
	v.done.resource = "token " + token.Name
	v.done.detail = "number " + strconv.FormatInt(token.ID, 10)
	if _, err := a.tokens.Revoke(v.context(), token.ID); err != nil {
		return err
	}
	return v.emptyAnswer()
}
