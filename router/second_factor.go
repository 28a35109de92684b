package router

import (
	"net/http"

	"berth/controller/account"
	"berth/controller/audit"
)

// secondFactorPage is the second factor of one's own account: off, being set
// up, or on.
type secondFactorPage struct {
	frame
	Mine     account.Account
	Key      string // as text, while it is being set up
	Renewing bool   // the form for new recovery codes is the one with the problems
	Problems fieldProblems
}

// factorQuestion is the pair of fields that both forms of the page have.
type factorQuestion struct {
	ID       string // prefix of their ids
	Problems fieldProblems
}

// Ask gives one of the two forms its fields, and the problems where it is the one that was sent.
func (p secondFactorPage) Ask(id string, sent bool) factorQuestion {
	if !sent {
		return factorQuestion{ID: id}
	}
	return factorQuestion{ID: id, Problems: p.Problems}
}

func (a *admin) showSecondFactor(v *visit) error {
	return a.secondFactorForm(v, http.StatusOK, secondFactorPage{})
}

// beginSecondFactor makes a key. The session keeps it, sealed, until a code confirms it.
func (a *admin) beginSecondFactor(v *visit) error {
	problems := fieldProblems{}
	sealed, err := a.factors.Begin(v.context(), v.caller.account, v.request().PostForm.Get("password"))
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.secondFactorForm(v, problems.status(), secondFactorPage{Problems: problems})
	}
	v.refund()
	v.session().Set(enrolmentKey, sealed)
	if err := v.session().Save(); err != nil {
		return err
	}
	return v.seeResult("/settings/second-factor")
}

// showQR is the key of the second factor that is being set up, for a phone's camera.
func (a *admin) showQR(v *visit) error {
	sealed := v.enrolment()
	if sealed == nil {
		return notFound("There is no second factor being set up.", nil)
	}
	key, err := a.factors.SharedKey(v.caller.account.ID, sealed)
	if err != nil {
		return err
	}
	picture, err := key.QR()
	if err != nil {
		return err
	}
	v.gin.Data(http.StatusOK, "image/png", picture)
	return nil
}

// createSecondFactor turns it on and shows the recovery codes. The sessions that
// were begun without it end.
func (a *admin) createSecondFactor(v *visit) error {
	sealed := v.enrolment()
	if sealed == nil {
		return v.seeResult("/settings/second-factor")
	}
	problems := fieldProblems{}
	account := v.caller.account
	codes, err := a.factors.Confirm(v.context(), account.ID, sealed, v.request().PostForm.Get("code"))
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		v.noteWrongCode(problems)
		return a.secondFactorForm(v, problems.status(), secondFactorPage{Problems: problems})
	}
	v.refund()
	if err := a.sessions.ledger.DeleteSessionsOf(v.context(), account.ID); err != nil {
		return err
	}
	if err := v.beginSession(account); err != nil {
		return err
	}
	return a.recoveryCodesOnce(v, "Two-factor authentication is on. Every other session is signed out.", codes)
}

// deleteSecondFactor turns it off.
func (a *admin) deleteSecondFactor(v *visit) error {
	form, problems := v.request().PostForm, fieldProblems{}
	err := a.factors.Disable(v.context(), v.caller.account.ID, form.Get("password"), form.Get("code"))
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		v.noteWrongCode(problems)
		return a.secondFactorForm(v, problems.status(), secondFactorPage{Problems: problems})
	}
	v.refund()
	if err := v.notify("Two-factor authentication is off. Your password alone signs you in now."); err != nil {
		return err
	}
	return v.seeOther("/settings/account")
}

// declineSecondFactor ends the suggestion on the dashboard.
func (a *admin) declineSecondFactor(v *visit) error {
	if err := a.accounts.Decline(v.context(), v.caller.account.ID); err != nil {
		return err
	}
	return v.seeResult("/admin")
}

func (a *admin) secondFactorForm(v *visit, status int, page secondFactorPage) error {
	page.frame = v.frame("Two-factor authentication")
	page.Section, page.Tab, page.Mine = "settings", "account", v.caller.account
	if page.Problems == nil {
		page.Problems = fieldProblems{}
	}
	page.Problem = page.Problems[""]
	if sealed := v.enrolment(); sealed != nil {
		key, err := a.factors.SharedKey(page.Mine.ID, sealed)
		if err != nil {
			return err
		}
		page.Key = key.Text().Reveal()
	}
	return v.page(status, "second_factor", page)
}

// enrolment is the sealed key of a second factor that this session sets up.
func (v *visit) enrolment() []byte {
	sealed, _ := v.session().Get(enrolmentKey).([]byte)
	if v.caller.account.SecondFactor {
		return nil
	}
	return sealed
}

// noteWrongCode records a guess at a code as what it is.
func (v *visit) noteWrongCode(problems fieldProblems) {
	if problems["code"] != nil {
		v.done.action = audit.ActionSecondFactorFailure
	}
}
