package router

import (
	"fmt"
	"net/http"

	"berth/controller/account"
)

type accountsPage struct {
	frame
	Accounts []accountRow
	Name     string // as it was typed
	Problems fieldProblems
	Password newPassword
}

// accountRow is an account as the list shows it.
type accountRow struct {
	account.Account
	Path     string // of its page
	Sessions int
	Self     bool
}

// newPassword is a one-time password on the one page that shows it.
type newPassword struct {
	Account string
	Text    string // empty: there is none to show
	Back    string // the page without it
}

func (a *admin) showAccounts(v *visit) error {
	return a.accountsForm(v, http.StatusOK, accountsPage{})
}

// createAccount answers with the one-time password: it is kept nowhere that a
// redirect could find it.
func (a *admin) createAccount(v *visit) error {
	name, problems := v.request().PostForm.Get("name"), fieldProblems{}
	password, err := a.accounts.Create(v.context(), name)
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.accountsForm(v, problems.status(), accountsPage{Name: name, Problems: problems})
	}
	v.done.resource = "account " + name
	return a.accountsForm(v, http.StatusOK, accountsPage{Password: newPassword{Account: name, Text: password, Back: "/settings/accounts"}})
}

func (a *admin) accountsForm(v *visit, status int, page accountsPage) error {
	accounts, err := a.accounts.List(v.context())
	if err != nil {
		return err
	}
	page.frame = v.frame("Accounts")
	page.Section, page.Tab = "settings", "accounts"
	if page.Problems == nil {
		page.Problems = fieldProblems{}
	}
	page.Problem = page.Problems[""]
	for _, account := range accounts {
		row, err := v.accountRow(account)
		if err != nil {
			return err
		}
		page.Accounts = append(page.Accounts, row)
	}
	return v.page(status, "accounts", page)
}

func (v *visit) accountRow(account account.Account) (accountRow, error) {
	sessions, err := v.admin.sessions.list(v.context(), account.ID)
	return accountRow{
		Account: account, Path: accountPath(account.Name), Sessions: len(sessions), Self: account.ID == v.caller.account.ID,
	}, err
}

func accountPath(name string) string { return "/settings/accounts/" + name }

// accountName is the name in the path.
func (v *visit) accountName() (string, error) {
	name, err := account.ParseName(v.gin.Param("account"))
	if err != nil {
		return "", malformed(fmt.Sprintf("%.60q cannot be the name of an account.", v.gin.Param("account")),
			"Look for it under Settings, Accounts.", err)
	}
	v.done.resource = "account " + name
	return name, nil
}
