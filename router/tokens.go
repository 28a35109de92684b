package router

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
)

// The fields of the form that makes a token.
const (
	fieldTokenName  = "name"
	fieldTokenScope = "scope"
	fieldTokenDays  = "days"
	fieldTokenFrom  = "from"
)

const (
	defaultTokenDays = 90
	mostTokenDays    = int(account.MaxTokenTTL / (24 * time.Hour))
)

type tokensPage struct {
	frame
	Tokens   []tokenRow
	Fresh    *freshToken // just made: shown now and never again
	Form     tokenForm
	MostDays int
	Problems fieldProblems
}

// tokenRow is a token as the list shows it.
type tokenRow struct {
	ID         int64
	Name       string
	Scope      account.Scope
	State      badge
	Holds      bool
	Ended      time.Time // when it was revoked or expired, for those that do not hold
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time
	UsedFrom   string
	Ranges     []netip.Prefix
	RevokePath string
}

// freshToken is a token that was just made.
type freshToken struct {
	Plain string
	Name  string
}

// tokenForm is the form as it was typed.
type tokenForm struct {
	Name, Days, From string
	Scopes           []scopeChoice
}

type scopeChoice struct {
	Value  account.Scope
	Means  string
	Chosen bool
}

func (a *admin) showTokens(v *visit) error {
	return a.tokensForm(v, tokensPage{Form: typedToken(url.Values{fieldTokenDays: {strconv.Itoa(defaultTokenDays)}})})
}

// createToken makes a token and answers with the one page that ever shows it. It
// is no redirect: the plain token is nowhere but in this answer.
func (a *admin) createToken(v *visit) error {
	form := v.request().PostForm
	page := tokensPage{Form: typedToken(form), Problems: fieldProblems{}}
	options, err := parseTokenForm(form, page.Problems)
	if err != nil {
		return err
	}
	options.Account = v.caller.account.ID
	if len(page.Problems) > 0 {
		return a.tokensForm(v, page)
	}
	plain, err := a.tokens.MintToken(v.context(), options)
	if err := page.Problems.add(err); err != nil {
		return err
	}
	if len(page.Problems) > 0 {
		return a.tokensForm(v, page)
	}
	v.done.resource = "token " + options.Name
	v.done.detail = fmt.Sprintf("scope %s, holds for %d days", options.Scope, options.TTL/(24*time.Hour))
	if len(options.Ranges) > 0 {
		v.done.detail += ", from " + options.Ranges.String()
	}
	page.Fresh = &freshToken{Plain: plain, Name: options.Name}
	page.Form = typedToken(url.Values{fieldTokenDays: {strconv.Itoa(defaultTokenDays)}})
	return a.tokensForm(v, page)
}

// revokeToken ends a token at once.
func (a *admin) revokeToken(v *visit) error {
	token, err := a.revoke(v)
	if err != nil {
		return err
	}
	if err := v.notify(fmt.Sprintf("Token %s is revoked.", token.Name)); err != nil {
		return err
	}
	return v.seeOther("/settings/tokens")
}

// revoke ends the token that the path names.
func (a *admin) revoke(v *visit) (account.Token, error) {
	id, err := v.number("id")
	if err != nil {
		return account.Token{}, err
	}
	token, err := a.tokens.Revoke(v.context(), id)
	if err != nil {
		return account.Token{}, err
	}
	v.done.resource = "token " + token.Name
	v.done.detail = fmt.Sprintf("scope %s, would have held until %s", token.Scope, token.ExpiresAt.UTC().Format(time.DateOnly))
	return token, nil
}

func (a *admin) tokensForm(v *visit, page tokensPage) error {
	tokens, err := a.tokens.List(v.context())
	if err != nil {
		return err
	}
	page.frame = v.frame("API tokens")
	page.Section, page.Tab = "settings", "tokens"
	page.Problem, page.MostDays = page.Problems[""], mostTokenDays
	for _, token := range tokens {
		page.Tokens = append(page.Tokens, tokenRowOf(token, a.now()))
	}
	return v.page(page.Problems.status(), "tokens", page)
}

// parseTokenForm files what is wrong under its field, all of it at once.
func parseTokenForm(form url.Values, problems fieldProblems) (account.TokenOptions, error) {
	options := account.TokenOptions{Name: form.Get(fieldTokenName)}
	var err error
	options.Scope, err = account.ParseScope(form.Get(fieldTokenScope))
	if err := problems.add(err); err != nil {
		return options, err
	}
	options.TTL, err = parseTokenDays(form.Get(fieldTokenDays))
	if err := problems.add(err); err != nil {
		return options, err
	}
	options.Ranges, err = account.ParseAddressRanges(form.Get(fieldTokenFrom))
	if err := problems.add(err); err != nil {
		return options, err
	}
	return options, problems.add(account.CheckTokenName(options.Name))
}

func parseTokenDays(text string) (time.Duration, error) {
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > mostTokenDays {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not a number of days.", text),
			fmt.Sprintf("Give 1 to %d.", mostTokenDays),
		).At(fieldTokenDays).Because(err)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

func typedToken(form url.Values) tokenForm {
	typed := tokenForm{
		Name: form.Get(fieldTokenName), Days: form.Get(fieldTokenDays), From: form.Get(fieldTokenFrom),
		Scopes: []scopeChoice{
			{Value: account.ScopeMetrics, Means: "read /metrics, for Prometheus"},
			{Value: account.ScopeRead, Means: "and see apps, releases and logs"},
			{Value: account.ScopeDeploy, Means: "and upload, update, roll back, start and stop"},
			{Value: account.ScopeAdmin, Means: "and delete, give security exceptions, and change the server's settings"},
		},
	}
	chosen := form.Get(fieldTokenScope)
	if chosen == "" {
		chosen = string(account.ScopeDeploy)
	}
	for i := range typed.Scopes {
		typed.Scopes[i].Chosen = string(typed.Scopes[i].Value) == chosen
	}
	return typed
}

func tokenRowOf(token account.Token, now time.Time) tokenRow {
	row := tokenRow{
		ID: token.ID, Name: token.Name, Scope: token.Scope, Ranges: token.Ranges,
		CreatedBy: token.CreatedBy, CreatedAt: token.CreatedAt, ExpiresAt: token.ExpiresAt,
		UsedAt: token.UsedAt, UsedFrom: token.UsedFrom,
		RevokePath: fmt.Sprintf("/settings/tokens/%d/revoke", token.ID),
	}
	if row.CreatedBy == "" {
		row.CreatedBy = "the command line"
	}
	switch {
	case token.Revoked():
		row.State, row.Ended = badge{"revoked", toneBad}, token.RevokedAt
	case token.Expired(now):
		row.State, row.Ended = badge{"expired", toneIdle}, token.ExpiresAt
	case token.ExpiresAt.Sub(now) < 7*24*time.Hour:
		row.State, row.Holds = badge{"expires soon", toneWarn}, true
	default:
		row.State, row.Holds = badge{"active", toneGood}, true
	}
	return row
}
