package router

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"berth/controller/audit"
)

var oneTimePattern = regexp.MustCompile(`<code>([2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4})</code>`)

func TestAccounts_ANewOneGetsAOneTimePasswordThatIsShownOnceAndMustBeChanged(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	made := p.post("/settings/accounts", url.Values{formField: {token}, "name": {"jane"}})
	found := oneTimePattern.FindStringSubmatch(made.body)
	if made.StatusCode != http.StatusOK || found == nil {
		t.Fatalf("%d %.800s", made.StatusCode, made.body)
	}
	if got := made.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	p.expectAudit(audit.ActionAccountCreate, true, "admin")
	if last := p.lastAudit(); last.Resource != "account jane" || strings.Contains(last.Detail, found[1]) {
		t.Errorf("recorded %+v", last)
	}
	if strings.Contains(p.get("/settings/accounts").body, found[1]) || strings.Contains(p.logged.String(), found[1]) {
		t.Error("the password is shown again, or logged")
	}
	p.client = p.browser()
	if answer := p.enter("jane", found[1]); answer.Header.Get("Location") != "/password" {
		t.Errorf("jane goes to %q", answer.Header.Get("Location"))
	}
	if answer := p.get("/settings/accounts"); answer.Header.Get("Location") != "/password" {
		t.Errorf("the one-time password opens more: %d", answer.StatusCode)
	}
}

func TestAccounts_RefusesNamesBesideTheField(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	for name, status := range map[string]int{
		"": 422, "../../etc/passwd": 422, payload: 422, "Jane": 422, "x' OR '1'='1": 422, "admin": 409,
	} {
		answer := p.post("/settings/accounts", url.Values{formField: {token}, "name": {name}})
		if answer.StatusCode != status {
			t.Errorf("%q: %d", name, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="name-problem"`)
		if strings.Contains(answer.body, "<script>alert") {
			t.Error("the payload got through")
		}
	}
}

func TestAccounts_ResetOfAnotherEndsItsSessionsAndKeepsTheSecondFactor(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("jane")
	p.enableFactor(p.mustEnter("jane"))
	hers := p.client
	p.client = p.browser()
	token := p.mustEnter("admin")
	reset := p.post("/settings/accounts/jane/reset", url.Values{formField: {token}})
	found := oneTimePattern.FindStringSubmatch(reset.body)
	if found == nil {
		t.Fatalf("%d %.800s", reset.StatusCode, reset.body)
	}
	p.expectAudit(audit.ActionPasswordReset, true, "admin")
	p.client = hers
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("her session still stands: %d", answer.StatusCode)
	}
	p.client = p.browser()
	if answer := p.enter("jane", found[1]); answer.Header.Get("Location") != "/login/code" {
		t.Errorf("the reset took the second factor along: to %q", answer.Header.Get("Location"))
	}
}

func TestAccounts_SecondFactorOfAnotherIsRemovedAndOnesOwnIsNot(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("jane")
	p.enableFactor(p.mustEnter("jane"))
	p.client = p.browser()
	p.enableFactor(p.mustEnter("admin"))
	token := p.formToken("/settings/accounts")
	if answer := p.post("/settings/accounts/admin/remove-second-factor", url.Values{formField: {token}}); answer.StatusCode != http.StatusConflict {
		t.Errorf("one's own: %d", answer.StatusCode)
	}
	p.expectAudit(audit.ActionSecondFactorDisable, false, "admin")
	if answer := p.post("/settings/accounts/jane/remove-second-factor", url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("of jane: %d", answer.StatusCode)
	}
	p.client = p.browser()
	p.mustEnter("jane")
}

func TestAccounts_RemoveWantsTheNameAndSparesOneselfAndTheOperator(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("jane")
	token := p.mustEnter("jane")
	for name, confirm := range map[string]string{"jane": "jane", "admin": "admin"} {
		if answer := p.post("/settings/accounts/"+name+"/remove", url.Values{formField: {token}, "confirm": {confirm}}); answer.StatusCode != http.StatusConflict {
			t.Errorf("jane removes %s: %d", name, answer.StatusCode)
		}
	}
	hers := p.client
	p.client = p.browser()
	token = p.mustEnter("admin")
	refused := p.post("/settings/accounts/jane/remove", url.Values{formField: {token}, "confirm": {"jan"}})
	if refused.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("unconfirmed: %d", refused.StatusCode)
	}
	mustContain(t, refused.body, `id="confirm-problem"`, `value="jan"`)
	if answer := p.post("/settings/accounts/jane/remove", url.Values{formField: {token}, "confirm": {"jane"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("confirmed: %d", answer.StatusCode)
	}
	p.expectAudit(audit.ActionAccountRemove, true, "admin")
	p.client = hers
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("her session still stands: %d", answer.StatusCode)
	}
}

func TestAccounts_PathThatIsNoNameIsMalformed(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.mustEnter("admin")
	for path, want := range map[string]int{
		"..%2f..%2fetc%2fpasswd": http.StatusBadRequest, "%00": http.StatusBadRequest, "ADMIN": http.StatusBadRequest,
		"a%20b": http.StatusBadRequest, "nobody": http.StatusNotFound,
	} {
		if answer := p.get("/settings/accounts/" + path); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
	}
}

func TestPassword_PageSaysTheRules(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	mustContain(t, p.get("/settings/account").body, "At least 12 characters", "or 16 of any kind")
	for password, reason := range map[string]string{
		"Short-1":               "fewer than 12",
		"Password-1234":         "one of the first that others try",
		strings.Repeat("é", 40): "longer than 72 bytes",
		"My-Admin-Horse-7":      "holds the name",
	} {
		answer := p.post("/password", url.Values{formField: {token}, "old_password": {peoplePassword}, "new_password": {password}})
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", password, answer.StatusCode)
		}
		mustContain(t, answer.body, reason)
	}
}
