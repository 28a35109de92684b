package router

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"berth/controller/app"
	"berth/controller/audit"
)

// fakeAudit keeps what was recorded.
type fakeAudit struct {
	mu     sync.Mutex
	events []audit.Event
}

func (f *fakeAudit) Record(_ context.Context, event audit.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event)
}

func (f *fakeAudit) List(_ context.Context, _ audit.Filter, page audit.Page) ([]audit.Entry, error) {
	var entries []audit.Entry
	for i, event := range f.recorded() {
		entries = append(entries, audit.Entry{Event: event, Sequence: int64(i + 1)})
	}
	slices.Reverse(entries)
	return entries[:min(page.Limit, len(entries))], nil
}

func (f *fakeAudit) Each(context.Context, audit.Filter, func(audit.Entry) error) error {
	return nil
}

func (f *fakeAudit) Actions(context.Context) ([]audit.Action, error) { return nil, nil }

func (f *fakeAudit) Accounts(context.Context) ([]string, error) { return nil, nil }

func (f *fakeAudit) CheckHead(context.Context) (int64, bool, error) {
	return int64(len(f.recorded())), true, nil
}

func (f *fakeAudit) Verify(context.Context) (audit.Verdict, error) {
	return audit.Verdict{}, nil
}

func (f *fakeAudit) LastVerdict() audit.Verdict { return audit.Verdict{} }

func (f *fakeAudit) recorded() []audit.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

func TestAudit_EveryRouteThatChangesSomethingNamesItsAction(t *testing.T) {
	t.Parallel()
	changesNothing := []string{themePath, "/api/v1/apps/:name/releases/:number/archive/missing"}
	for _, r := range new(admin).routes() {
		if changes := r.method != http.MethodGet && !slices.Contains(changesNothing, r.path); changes && r.audit == "" {
			t.Errorf("%s %s names no action for the audit log", r.method, r.path)
		}
	}
}

func TestAudit_SaysWhoDidWhatToWhichApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.post("/admin/apps/hello/stop", url.Values{formField: {s.formToken("/admin")}})
	events := s.audit.recorded()
	last := events[len(events)-1]
	if last.Action != audit.ActionAppStop || last.Resource != "app hello" || last.Account != "admin" ||
		!last.Success || last.Address != "127.0.0.1" || last.RequestID == "" {
		t.Errorf("recorded %+v", last)
	}
}

func TestAudit_RecordsWhatWasRefusedBeforeTheHandler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.do(s.request(http.MethodPost, "/admin/apps/hello/delete", nil))
	events := s.audit.recorded()
	if len(events) != 1 || events[0].Success || events[0].Action != audit.ActionAppDelete || events[0].Account != "" {
		t.Errorf("recorded %+v", events)
	}
}

func (f *fakeAudit) last() audit.Event {
	events := f.recorded()
	if len(events) == 0 {
		return audit.Event{}
	}
	return events[len(events)-1]
}

func TestAudit_SignInNamesTheAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	if e := s.audit.last(); e.Action != audit.ActionLoginSuccess || e.Account != "admin" || !e.Success {
		t.Errorf("recorded %+v", e)
	}
	s.post("/logout", url.Values{formField: {s.formToken("/password")}})
	if e := s.audit.last(); e.Action != audit.ActionLogout || e.Account != "admin" || !e.Success {
		t.Errorf("recorded %+v", e)
	}
}

func TestAudit_PasswordTypedAsANameIsNotKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.accounts.several = true
	for typed, kept := range map[string]string{"": "admin", "admin": "admin", "hunter2-hunter2": audit.UnknownAccount} {
		s.post("/login", url.Values{formField: {s.formToken("/login")}, "username": {typed}, "password": {"wrong"}})
		if e := s.audit.last(); e.Action != audit.ActionLoginFailure || e.Account != kept || e.Success {
			t.Errorf("%q: recorded %+v", typed, e)
		}
	}
}

func TestAudit_RateViolationsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for range 6 {
		s.post("/login", url.Values{formField: {s.formToken("/login")}, "password": {"wrong"}})
	}
	events := s.audit.recorded()
	last := events[len(events)-1]
	if len(events) != 6 || last.Action != audit.ActionRateLimitExceeded || last.Success || last.Resource != "limit login" || !strings.HasPrefix(last.Detail, "POST /login: 5 per 15 minutes") {
		t.Errorf("%d events, the last is %+v", len(events), last)
	}
}

func TestAudit_RecordsWhoWasKeptOutOfWhatOnlyReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, c := range map[string]struct {
		token, path string
		account     string
	}{
		"unknown token": {"nonsense", "/api/v1/apps", ""},
		"no page for tokens": {
			adminToken, "/admin", "token ci",
		},
	} {
		s.bearer(c.token, http.MethodGet, c.path, "")
		e := s.audit.last()
		if e.Action != audit.ActionAccessDenied || e.Success || e.Resource != "GET "+c.path || e.Account != c.account {
			t.Errorf("%s: recorded %+v", name, e)
		}
	}
	count := len(s.audit.recorded())
	s.get("/admin")       // nobody is signed in: a visit, no attack
	s.get("/api/v1/apps") // no token at all
	s.signIn()            // one entry
	s.get("/admin")       // let in
	if got := len(s.audit.recorded()); got != count+1 {
		t.Errorf("recorded %+v", s.audit.recorded()[count:])
	}
}

func TestAudit_UploadNamesItsApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "shop", ""}, part{"route", "/shop", ""}, zipPart)
	if e := s.audit.last(); e.Action != audit.ActionAppCreate || e.Resource != "app shop" || !e.Success {
		t.Errorf("recorded %+v", e)
	}
}

func TestAudit_PanicIsAFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.apps.onAct = func(string, app.Name) error { panic("boom") }
	s.post("/admin/apps/hello/stop", url.Values{formField: {token}})
	if e := s.audit.last(); e.Action != audit.ActionAppStop || e.Success {
		t.Errorf("recorded %+v", e)
	}
}

func TestAudit_RecordsARequestThatAnotherSiteSent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	r := s.request(http.MethodPost, "/admin/apps/hello/delete", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	s.do(r)
	if e := s.audit.last(); e.Action != audit.ActionAccessDenied || e.Success || e.Resource != "POST /admin/apps/:name/delete" {
		t.Errorf("recorded %+v", e)
	}
}
