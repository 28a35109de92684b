package router

import (
	"net/http"

	"berth/controller/account"
	"berth/controller/problem"
)

// otherPage is the account of somebody, with what can be done to it.
type otherPage struct {
	frame
	Other    accountRow
	Stays    bool // it cannot be removed
	Confirm  string
	Problems fieldProblems
	Password newPassword
}

func (a *admin) showAccount(v *visit) error {
	return a.accountForm(v, http.StatusOK, otherPage{})
}

// resetPassword gives the account a one-time password, and ends its sessions.
func (a *admin) resetPassword(v *visit) error {
	name, err := v.accountName()
	if err != nil {
		return err
	}
	password, err := a.accounts.ResetOther(v.context(), v.caller.account.ID, name)
	if err != nil {
		return a.accountProblem(v, err)
	}
	return a.accountForm(v, http.StatusOK, otherPage{Password: newPassword{Account: name, Text: password, Back: accountPath(name)}})
}

// deleteAccount removes the account whose name was typed.
func (a *admin) deleteAccount(v *visit) error {
	name, err := v.accountName()
	if err != nil {
		return err
	}
	if err := a.accounts.Remove(v.context(), v.caller.account.ID, name, v.request().PostForm.Get("confirm")); err != nil {
		return a.accountProblem(v, err)
	}
	if err := v.notify("The account " + name + " is gone, and its sessions have ended."); err != nil {
		return err
	}
	return v.seeOther("/settings/accounts")
}

// removeSecondFactor is for somebody who lost the phone and the recovery codes.
func (a *admin) removeSecondFactor(v *visit) error {
	name, err := v.accountName()
	if err != nil {
		return err
	}
	if name == v.caller.account.Name {
		return a.accountProblem(v, problem.Conflict(
			"You can't turn off your own two-factor authentication here.",
			"Turn it off under Account, with your password and a code.",
		))
	}
	if err := a.accounts.RemoveSecondFactor(v.context(), name); err != nil {
		return a.accountProblem(v, err)
	}
	if err := v.notify("Two-factor authentication of " + name + " is off."); err != nil {
		return err
	}
	return v.seeOther(accountPath(name))
}

// accountProblem shows the page again with what a person can mend.
func (a *admin) accountProblem(v *visit, err error) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	return a.accountForm(v, problems.status(), otherPage{Confirm: v.request().PostForm.Get("confirm"), Problems: problems})
}

func (a *admin) accountForm(v *visit, status int, page otherPage) error {
	name, err := v.accountName()
	if err != nil {
		return err
	}
	accounts, err := a.accounts.List(v.context())
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if account.Name != name {
			continue
		}
		if page.Other, err = v.accountRow(account); err != nil {
			return err
		}
		return v.otherPage(status, page)
	}
	return notFound("There is no account of this name.", nil)
}

func (v *visit) otherPage(status int, page otherPage) error {
	page.frame = v.frame("Account " + page.Other.Name)
	page.Section, page.Tab = "settings", "accounts"
	page.Stays = page.Other.Name == account.OperatorName
	if page.Problems == nil {
		page.Problems = fieldProblems{}
	}
	page.Problem = page.Problems[""]
	return v.page(status, "account_other", page)
}
