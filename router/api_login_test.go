package router

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/audit"
)

// newPeopleWithTokens has real tokens over the ledger of its people.
func newPeopleWithTokens(t *testing.T) *people {
	t.Helper()
	return newPeople(t, func(o *Options) {
		if aging, ok := o.Sessions.(*agingSessions); ok {
			o.Tokens = account.NewTokens(aging.Store, slog.New(slog.DiscardHandler))
		}
	})
}

// apiEnter sends the form of a program that signs in.
func (p *people) apiEnter(fields ...string) answer {
	p.t.Helper()
	form := url.Values{"username": {"admin"}, "name": {"laptop"}, "scope": {"deploy"}, "days": {"30"}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request := p.request(http.MethodPost, apiLogin, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(request)
}

func (p *people) expectLogin(answer answer, status int, field string) loginJSON {
	p.t.Helper()
	var fault problemDetails
	var made loginJSON
	if err := json.Unmarshal([]byte(answer.body), &fault); err != nil {
		p.t.Fatalf("%d: %s", answer.StatusCode, answer.body)
	}
	_ = json.Unmarshal([]byte(answer.body), &made)
	if answer.StatusCode != status || fault.Field != field || len(answer.Cookies()) > 0 {
		p.t.Fatalf("status %d, field %q, cookies %v, want %d and %q: %s", answer.StatusCode, fault.Field, answer.Cookies(), status, field, answer.body)
	}
	return made
}

func TestAPILogin_MakesATokenForWhoeverHasThePasswordAndNothingMore(t *testing.T) {
	t.Parallel()
	p := newPeopleWithTokens(t)
	p.anApp("hello")
	p.expectLogin(p.apiEnter("password", "wrong"), http.StatusUnauthorized, "password")
	p.expectAudit(audit.ActionLoginFailure, false, "admin")
	made := p.expectLogin(p.apiEnter("password", peoplePassword), http.StatusCreated, "")
	p.expectAudit(audit.ActionLoginSuccess, true, "admin")
	if made.Account != "admin" || made.Scope != account.ScopeDeploy || time.Until(made.ExpiresAt) < 29*24*time.Hour {
		t.Errorf("made %+v", made)
	}
	for _, event := range p.audit.recorded() {
		if strings.Contains(event.Detail+event.Resource, made.Token) || strings.Contains(event.Detail+event.Resource, peoplePassword) {
			t.Errorf("the audit log holds a secret: %+v", event)
		}
	}
	if answer := p.bearer(made.Token, http.MethodGet, "/api/v1/apps", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("the token opens nothing: %d %s", answer.StatusCode, answer.body)
	}
	if answer := p.bearer(made.Token, http.MethodDelete, apiLogin, ""); answer.StatusCode != http.StatusNoContent {
		t.Errorf("sign out: %d %s", answer.StatusCode, answer.body)
	}
	if answer := p.bearer(made.Token, http.MethodGet, "/api/v1/apps", ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token holds after the end: %d", answer.StatusCode)
	}
}

func TestAPILogin_WantsTheSecondFactorAndTakesACodeOnce(t *testing.T) {
	t.Parallel()
	p := newPeopleWithTokens(t)
	phone, _ := p.enableFactor(p.mustEnter("admin"))
	before := len(p.audit.recorded())
	p.expectLogin(p.apiEnter("password", peoplePassword), http.StatusUnauthorized, "code")
	if recorded := p.audit.recorded(); len(recorded) != before {
		t.Errorf("half a login was recorded: %+v", recorded[before:])
	}
	p.expectLogin(p.apiEnter("password", peoplePassword, "code", "000000"), http.StatusUnauthorized, "code")
	p.expectAudit(audit.ActionLoginFailure, false, "admin")
	code := p.phoneCode(phone, 1)
	p.expectLogin(p.apiEnter("password", "wrong", "code", code), http.StatusUnauthorized, "password")
	p.expectLogin(p.apiEnter("password", peoplePassword, "code", code), http.StatusCreated, "")
	p.expectLogin(p.apiEnter("password", peoplePassword, "code", code), http.StatusUnauthorized, "code")
}

func TestAPILogin_BruteForceOfCodesIsLimitedAsOnThePages(t *testing.T) {
	t.Parallel()
	p := newPeopleWithTokens(t)
	p.enableFactor(p.mustEnter("admin"))
	for range 5 {
		p.expectLogin(p.apiEnter("password", peoplePassword, "code", "000000"), http.StatusUnauthorized, "code")
	}
	answer := p.apiEnter("password", peoplePassword, "code", "000000")
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("status %d after five wrong codes: %s", answer.StatusCode, answer.body)
	}
}

func TestAPILogin_OneTimePasswordIsReplacedFirst(t *testing.T) {
	t.Parallel()
	p := newPeopleWithTokens(t)
	const once = "one-time-7-Password"
	operator, err := p.ledger.FindAccountByName(t.Context(), account.OperatorName)
	if err == nil {
		err = p.ledger.UpdatePassword(t.Context(), operator.ID, "hash of "+once, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.expectLogin(p.apiEnter("password", once), http.StatusForbidden, "new_password")
	p.expectLogin(p.apiEnter("password", once, "new_password", "short"), http.StatusUnprocessableEntity, "new_password")
	p.expectLogin(p.apiEnter("password", once, "new_password", "Correct-Horse-9"), http.StatusCreated, "")
	p.expectLogin(p.apiEnter("password", once), http.StatusUnauthorized, "password")
	p.expectLogin(p.apiEnter("password", "Correct-Horse-9"), http.StatusCreated, "")
}

func TestAPILogin_NamesWhatIsWrongWithTheTokenBeforeAPasswordIsTried(t *testing.T) {
	t.Parallel()
	p := newPeopleWithTokens(t)
	tried := p.verify
	p.expectLogin(p.apiEnter("password", peoplePassword, "scope", "root"), http.StatusUnprocessableEntity, "scope")
	p.expectLogin(p.apiEnter("password", peoplePassword, "days", "4000"), http.StatusUnprocessableEntity, "days")
	p.expectLogin(p.apiEnter("password", peoplePassword, "name", ""), http.StatusUnprocessableEntity, "name")
	if p.verify != tried {
		t.Errorf("%d passwords were compared", p.verify-tried)
	}
}
