package router

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
)

var heldPattern = regexp.MustCompile(`name="held" value="([A-Z2-7]{26})"`)

// newForm is the upload form of a new app without its file.
func newForm(token string, more ...part) []part {
	return append([]part{{formField, token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}, {"port", "3000", ""}}, more...)
}

// check uploads with the box ticked, and gives the page and the id of what is held.
func (s *site) check(path, token string) (page answer, held string) {
	s.t.Helper()
	page = s.upload(path, "", newForm(token, part{fieldCheck, "true", ""}, zipPart)...)
	found := heldPattern.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || found == nil {
		s.t.Fatalf("%d: %.3000s", page.StatusCode, page.body)
	}
	return page, found[1]
}

// needs is the page that asks what an archive needs.
func (s *site) needs(token string) string {
	page, _ := s.check("/upload", token)
	return page.body
}

// accepted counts what became a release.
func (s *site) accepted() (count int) {
	for _, call := range s.apps.called() {
		if strings.HasPrefix(call, "accept") || strings.HasPrefix(call, "update") {
			count++
		}
	}
	return count
}

func TestCheck_ShowsHowItWillBeBuiltAndDeploysWithoutTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.get("/upload").body, `name="check" value="true"`, `type="file"`, "Begin with what you have.")
	page, held := s.check("/upload", token)
	mustContain(t, page.body, "Static site", "There is an index.html at the top.", "FROM scratch", "My App.zip",
		`href="/upload/held/`+held+`/Dockerfile"`, ">Deploy<", ">Choose another archive<",
		`name="name" value="hello"`, `name="route" value="/hello"`, `name="port" value="3000"`)
	if strings.Contains(page.body, `type="file"`) || strings.Contains(page.body, `name="check"`) {
		t.Error("the page asks for the file again")
	}
	if s.accepted() != 0 || len(s.audit.recorded()) != 1 { // the login
		t.Errorf("a check did %q, recorded %+v", s.apps.called(), s.audit.recorded())
	}

	download := s.get("/upload/held/" + held + "/Dockerfile")
	if download.StatusCode != http.StatusOK || download.body != "FROM scratch\nCOPY site/ /site/\n" ||
		!strings.HasPrefix(download.Header.Get("Content-Type"), "text/plain") ||
		!strings.HasPrefix(download.Header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(download.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("%d %v %q", download.StatusCode, download.Header, download.body)
	}

	answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/1#main" {
		t.Fatalf("%d: %.500s", answer.StatusCode, answer.body)
	}
	if calls := s.apps.called(); !slices.Contains(calls, "accept hello /hello 3000 My App.zip by admin") {
		t.Errorf("calls %q", calls)
	}
	events := s.audit.recorded()
	if last := events[len(events)-1]; last.Action != audit.ActionAppCreate || !last.Success || last.Resource != "app hello" {
		t.Errorf("recorded %+v", last)
	}
}

func TestCheck_SecondClickOnDeployLeadsToTheSameRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	_, held := s.check("/upload", token)
	for range 2 {
		answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
		if answer.Header.Get("Location") != "/admin/apps/hello/releases/1#main" {
			t.Errorf("%d: %.500s", answer.StatusCode, answer.body)
		}
	}
	if s.accepted() != 1 {
		t.Errorf("calls %q", s.apps.called())
	}
}

func TestCheck_OfAnUpdateIsShownOnTheAppsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	page, held := s.check("/admin/apps/hello/update", token)
	mustContain(t, page.body, "FROM scratch", `action="/admin/apps/hello/update"`, ">Deploy<")
	if s.accepted() != 0 || strings.Contains(page.body, `type="file"`) {
		t.Errorf("a check did %q", s.apps.called())
	}
	answer := s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{fieldHeld, held, ""})
	if answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Errorf("%d: %.500s", answer.StatusCode, answer.body)
	}
}

func TestCheck_RefusalsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{}, problem.Invalid("Nothing says what this is.", "Add a Dockerfile.").At("archive")
	}
	checked := part{fieldCheck, "true", ""}
	refused := s.upload("/upload", "", newForm(token, checked, zipPart)...)
	mustContain(t, refused.body, `id="archive-problem"`, "Nothing says what this is.", `value="/hello"`, `type="file"`, `name="check" value="true"`)
	bad := s.upload("/upload", "", part{formField, token, ""}, part{"name", "My App", ""}, part{"route", "/x", ""}, checked, zipPart)
	mustContain(t, bad.body, `id="name-problem"`)
	none := s.upload("/upload", "", newForm(token, checked)...)
	mustContain(t, none.body, `id="archive-problem"`)
	for _, answer := range []answer{refused, bad, none} {
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	if len(s.apps.held) != 0 || len(s.audit.recorded()) != 1 {
		t.Errorf("held %v, recorded %+v", s.apps.held, s.audit.recorded())
	}
}

func TestCheck_WhoeverAsksToSeeItFirstDeploysNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	_, held := s.check("/upload", token)
	for _, said := range []string{"true", "on", "1", "yes", "no?"} {
		s.upload("/upload", "", newForm(token, part{fieldCheck, said, ""}, part{fieldHeld, held, ""})...)
		s.upload("/upload", "", newForm(token, part{fieldCheck, said, ""}, zipPart)...)
	}
	if s.accepted() != 0 {
		t.Errorf("calls %q", s.apps.called())
	}
}

func TestHeld_OneThatIsGoneIsSaidOnTheFormWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	_, held := s.check("/upload", token)
	s.apps.Drop(controller.HeldKey{Owner: "account 7", ID: held}) // as by time or a restart
	for _, id := range []string{held, strings.Repeat("B", 26), "../../etc/passwd", payload} {
		answer := s.upload("/upload", "", newForm(token, part{fieldHeld, id, ""})...)
		if answer.StatusCode != http.StatusConflict {
			t.Errorf("%s: %d", id, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="archive-problem"`, "The archive is not here any more.", `value="hello"`, `type="file"`)
	}
	if answer := s.get("/upload/held/" + held + "/Dockerfile"); answer.StatusCode != http.StatusConflict {
		t.Errorf("download: %d", answer.StatusCode)
	}
}

func TestHeld_AnotherAccountSeesAndDeploysNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, held := s.check("/upload", s.signIn())
	s.accounts.mu.Lock()
	s.accounts.account = account.Account{ID: 8, Name: "admin"} // of the same name, even
	s.accounts.mu.Unlock()
	s.client = s.browser()
	token := s.signIn()
	if answer := s.get("/upload/held/" + held + "/Dockerfile"); answer.StatusCode != http.StatusConflict || strings.Contains(answer.body, "FROM") {
		t.Errorf("download: %d", answer.StatusCode)
	}
	s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""}, part{fieldOther, "true", ""})...)
	if answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...); answer.StatusCode != http.StatusConflict {
		t.Errorf("deploy: %d", answer.StatusCode)
	}
	if answer := s.upload("/upload", deployToken, newForm("", part{fieldHeld, held, ""})...); answer.StatusCode != http.StatusConflict {
		t.Errorf("deploy by a token: %d", answer.StatusCode)
	}
	if s.accepted() != 0 || len(s.apps.held) != 1 {
		t.Errorf("calls %q, held %v", s.apps.called(), s.apps.held)
	}
}

func TestHeld_AfterARefusalTheFieldsCanBeMendedWithoutTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	_, held := s.check("/upload", token)
	s.apps.onAccept = func(controller.Upload) (app.Release, error) {
		return app.Release{}, problem.Conflict("There is an app called hello already.", "").At("name")
	}
	answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
	mustContain(t, answer.body, `id="name-problem"`, `name="held" value="`+held+`"`, `<input id="name" name="name" value="hello"`)
	if answer.StatusCode != http.StatusConflict || strings.Contains(answer.body, "data-upload") {
		t.Errorf("status %d: %.2000s", answer.StatusCode, answer.body)
	}
	s.apps.onAccept = nil
	answer = s.upload("/upload", "", part{formField, token, ""}, part{"name", "Other", ""}, part{"route", "/x", ""}, part{fieldHeld, held, ""})
	mustContain(t, answer.body, `id="name-problem"`, `name="held" value="`+held+`"`)
	if answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestHeld_ChoosingAnotherArchiveDropsItAndKeepsTheFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	_, held := s.check("/upload", token)
	answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""}, part{fieldOther, "true", ""})...)
	mustContain(t, answer.body, `type="file"`, `value="hello"`, `value="/hello"`, `value="3000"`)
	if answer.StatusCode != http.StatusOK || len(s.apps.held) != 0 || s.accepted() != 0 || len(s.audit.recorded()) != 1 {
		t.Errorf("%d, held %v, calls %q", answer.StatusCode, s.apps.held, s.apps.called())
	}
}

func TestHeld_NeedsTheFormToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, held := s.check("/upload", s.signIn())
	if answer := s.upload("/upload", "", newForm("x", part{fieldHeld, held, ""})...); answer.StatusCode != http.StatusForbidden || s.accepted() != 0 {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestCheck_TextOfTheArchiveIsNeverMarkup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{
			Kind: payload, Own: payload, Dockerfile: "FROM scratch\n# " + payload, Reasons: []string{payload}, Services: []string{payload, "b"},
		}, nil
	}
	hostile := part{fieldArchive, "bytes", "<img src=x onerror=alert(2)>.zip"}
	for _, path := range []string{"/upload", "/admin/apps/hello/update"} {
		answer := s.upload(path, "", append(newForm(token), part{payload, payload, ""}, part{fieldCheck, "true", ""}, hostile)...)
		mustContain(t, answer.body, "&lt;img src=x onerror=alert(2)&gt;.zip", "It has 2 services")
		if answer.StatusCode != http.StatusOK || strings.Contains(answer.body, "<script>alert") || strings.Contains(answer.body, "<img src=x") {
			t.Errorf("%s lets the payload through: %.4000s", path, answer.body)
		}
	}
}

func TestCheck_CountsAnArchiveOnceWhenItIsDeployed(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.Limits = openLimits(t, freshLedger(t), time.Now, limit.Budgets{
			limit.Default: {{Requests: 1000, Span: time.Hour}}, limit.Upload: {{Requests: 2, Span: time.Hour}},
		})
	})
	token := s.signIn()
	_, held := s.check("/upload", token)
	deploy := func() answer {
		_, held := s.check("/upload", token)                                                     // looking counts nothing
		s.upload("/upload", "", newForm(token, part{fieldHeld, strings.Repeat("Z", 26), ""})...) // it is not there
		return s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
	}
	for range 2 {
		if answer := deploy(); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("status %d", answer.StatusCode)
		}
	}
	answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("a third archive: %d", answer.StatusCode)
	}
	mustContain(t, answer.body, held, "Try again in")
}

func TestAPICheck_TellsAndHoldsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	checked := part{fieldCheck, "true", ""}
	want := `{"kind":"Static site","dockerfile":"FROM scratch\nCOPY site/ /site/\n","reasons":["There is an index.html at the top."],"services":["main"],"plan":{"main":"main","port":80,"services":[{"name":"main","copies":1,"volumes":["data:/data"],"loosens":[]}],"notes":["A note."]}}` + "\n"
	for name, answer := range map[string]answer{
		"a new app":   s.upload("/api/v1/apps", deployToken, newForm("", checked, zipPart)...),
		"no name yet": s.upload("/api/v1/apps", deployToken, checked, zipPart),
		"an update":   s.upload("/api/v1/apps/hello/update", deployToken, checked, zipPart),
		"the form":    s.upload("/upload", deployToken, newForm("", checked, zipPart)...),
	} {
		if answer.StatusCode != http.StatusOK || answer.body != want || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	if bad := s.upload("/api/v1/apps", deployToken, part{"name", "My App", ""}, checked, zipPart); bad.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a bad name: %d", bad.StatusCode)
	}
	if s.accepted() != 0 || len(s.apps.held) != 0 || len(s.audit.recorded()) != 0 {
		t.Errorf("calls %q, held %v, recorded %+v", s.apps.called(), s.apps.held, s.audit.recorded())
	}
}
