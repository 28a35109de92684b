package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/audit"
)

func TestLoginCode_ThePasswordAloneOpensNothing(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.anApp("hello")
	phone, _ := p.enableFactor(p.mustEnter("admin"))
	p.client = p.browser()
	before := len(p.audit.recorded())
	if answer := p.enter("admin", peoplePassword); answer.Header.Get("Location") != "/login/code" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if recorded := p.audit.recorded(); len(recorded) != before {
		t.Errorf("half a login was recorded: %+v", recorded[before:])
	}
	for _, r := range new(admin).routes() {
		if r.access.public {
			continue
		}
		answer := p.do(p.request(r.method, concrete(r.path), nil))
		toLogin := answer.StatusCode == http.StatusSeeOther && strings.HasPrefix(answer.Header.Get("Location"), "/login")
		if answer.StatusCode != http.StatusUnauthorized && !toLogin {
			t.Errorf("%s %s is open to a pending login: %d", r.method, r.path, answer.StatusCode)
		}
	}
	pending := p.cookie(sessionCookie)
	answer := p.post("/login/code", url.Values{formField: {p.formToken("/login/code")}, "code": {p.phoneCode(phone, 1)}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if p.cookie(sessionCookie) == pending {
		t.Error("the session kept the id that it had before the code")
	}
	p.expectAudit(audit.ActionLoginSuccess, true, "admin")
	if answer := p.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("dashboard: %d", answer.StatusCode)
	}
	old := p.request(http.MethodGet, "/login/code", nil)
	old.AddCookie(&http.Cookie{Name: sessionCookie, Value: pending})
	p.client = p.browser()
	if answer := p.do(old); answer.Header.Get("Location") != "/login" {
		t.Errorf("the pending id still stands: %d", answer.StatusCode)
	}
}

func TestLoginCode_WaitsFiveMinutesAndNotLonger(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	phone, _ := p.enableFactor(p.mustEnter("admin"))
	p.client = p.browser()
	p.enter("admin", peoplePassword)
	token := p.formToken("/login/code")
	p.shift = 5 * time.Minute
	answer := p.post("/login/code", url.Values{formField: {token}, "code": {p.phoneCode(phone, 1)}})
	if answer.StatusCode < 400 {
		t.Errorf("too late, and still %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := p.get("/login/code"); answer.Header.Get("Location") != "/login" {
		t.Errorf("the page is still there: %d", answer.StatusCode)
	}
}

func TestLoginCode_ReplayAndForeignCodesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("bob")
	phone, recovery := p.enableFactor(p.mustEnter("admin"))
	p.client = p.browser()
	bobs, hisRecovery := p.enableFactor(p.mustEnter("bob"))
	used := p.phoneCode(phone, 1)
	p.client = p.browser()
	p.enter("admin", peoplePassword)
	p.post("/login/code", url.Values{formField: {p.formToken("/login/code")}, "code": {used}})
	p.client = p.browser()
	p.enter("admin", peoplePassword)
	token := p.formToken("/login/code")
	for what, code := range map[string]string{"replayed": used, "bob's": p.phoneCode(bobs, 1), "bob's recovery": hisRecovery[0]} {
		answer := p.post("/login/code", url.Values{formField: {token}, "code": {code}})
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s code: %d", what, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="code-problem"`, "This code is not right, or was used before.")
		p.expectAudit(audit.ActionLoginFailure, false, "admin")
		if detail := p.lastAudit().Detail; detail != "second factor" {
			t.Errorf("detail %q", detail)
		}
	}
	if answer := p.post("/login/code", url.Values{formField: {token}, "code": {recovery[0]}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("an own recovery code: %d", answer.StatusCode)
	}
}

func TestLoginCode_ARecoveryCodeWorksOnceAndIsRecorded(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	_, recovery := p.enableFactor(p.mustEnter("admin"))
	for i, want := range []int{http.StatusSeeOther, http.StatusUnauthorized} {
		p.client = p.browser()
		p.enter("admin", peoplePassword)
		answer := p.post("/login/code", url.Values{formField: {p.formToken("/login/code")}, "code": {strings.ToLower(recovery[0])}})
		if answer.StatusCode != want {
			t.Errorf("try %d: %d", i+1, answer.StatusCode)
		}
		if i == 0 {
			mustContain(t, p.get("/admin").body, "You used a recovery code.", "9 codes left")
		}
	}
	found := 0
	for _, event := range p.audit.recorded() {
		if event.Action == audit.ActionRecoveryCodeUsed && event.Account == "admin" {
			found++
		}
		if strings.Contains(event.Detail+event.Resource, recovery[0]) {
			t.Errorf("the audit log holds the code: %+v", event)
		}
	}
	if found != 1 {
		t.Errorf("%d entries for the recovery code", found)
	}
}

func TestLoginCode_BruteForceIsLimited(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.enableFactor(p.mustEnter("admin"))
	p.client = p.browser()
	p.enter("admin", peoplePassword)
	token := p.formToken("/login/code")
	for range 5 {
		if answer := p.post("/login/code", url.Values{formField: {token}, "code": {"000000"}}); answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d", answer.StatusCode)
		}
	}
	if answer := p.post("/login/code", url.Values{formField: {token}, "code": {"000000"}}); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the sixth: %d", answer.StatusCode)
	}
	// Nor does another login with the password bring new tries.
	p.client = p.browser()
	if answer := p.enter("admin", peoplePassword); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a new beginning: %d", answer.StatusCode)
	}
}

func TestLoginCode_NeedsTheFormTokenOfItsSession(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	phone, _ := p.enableFactor(p.mustEnter("admin"))
	p.client = p.browser()
	visitor := p.formToken("/login")
	p.enter("admin", peoplePassword)
	for _, token := range []string{"", "wrong", visitor} {
		if answer := p.post("/login/code", url.Values{formField: {token}, "code": {p.phoneCode(phone, 1)}}); answer.StatusCode != http.StatusForbidden {
			t.Errorf("token %q: %d", token, answer.StatusCode)
		}
	}
}

func TestLogin_AsksForANameOnlyWhereThereAreSeveralAccounts(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	if strings.Contains(p.get("/login").body, "User name") {
		t.Error("one account, and it asks for a name")
	}
	if answer := p.enter("whatever a password manager put there", peoplePassword); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("one account: %d", answer.StatusCode)
	}
	p.person("bob")
	p.client = p.browser()
	mustContain(t, p.get("/login").body, `<label for="username">User name</label>`)
	p.mustEnter("bob")
	mustContain(t, p.get("/admin").body, "<span>bob</span>")
}

func TestLogin_UnknownNamesCostAComparisonAndAreNotRecorded(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("bob")
	for name, recorded := range map[string]string{"bob": "bob", "typed-my-password-here": "unknown account"} {
		p.verify = 0
		answer := p.enter(name, "wrong")
		if answer.StatusCode != http.StatusUnauthorized || p.verify != 1 {
			t.Errorf("%q: %d, %d comparisons", name, answer.StatusCode, p.verify)
		}
		mustContain(t, answer.body, "Wrong user name or password.")
		p.expectAudit(audit.ActionLoginFailure, false, recorded)
		if strings.Contains(p.logged.String(), "typed-my-password-here") {
			t.Error("the log holds what was typed")
		}
	}
}
