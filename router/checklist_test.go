package router

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/checklist"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/controller/reach"
)

// fakeChecklist is a checklist and a prober in memory.
type fakeChecklist struct {
	mu      sync.Mutex
	rows    []checklist.Row
	checked int
	proof   *reach.Proof
	report  reach.Report
	broken  error
}

func newFakeChecklist() *fakeChecklist {
	return &fakeChecklist{rows: []checklist.Row{
		{Name: "password", Title: "Passwords", State: checklist.Green, Found: "Every account has a password of its own."},
		{Name: "backup", Title: "Backup", State: checklist.Amber, Found: "There are no backups yet.", Fix: "Make one."},
		{Name: "engine", Title: "Container engine", State: checklist.Red, Found: "Version 1 has <b>holes</b>.", Fix: "Update it.", Page: "/settings/machine"},
	}}
}

func (f *fakeChecklist) Last() checklist.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.checked == 0 {
		return checklist.Report{}
	}
	return checklist.Report{At: time.Now(), Rows: f.rows}
}

func (f *fakeChecklist) Check(context.Context) checklist.Report {
	f.mu.Lock()
	f.checked++
	f.mu.Unlock()
	return f.Last()
}

func (f *fakeChecklist) Proof(_ context.Context, id app.ReleaseID) (reach.Proof, error) {
	if f.proof == nil || f.proof.Release != id {
		return reach.Proof{}, problem.ErrNotFound
	}
	return *f.proof, nil
}

func (f *fakeChecklist) Report(context.Context) (reach.Report, error) {
	if f.report.At.IsZero() {
		return reach.Report{}, problem.ErrNotFound
	}
	return f.report, nil
}

func (f *fakeChecklist) Probe(context.Context) (reach.Report, error) {
	if f.broken != nil {
		return reach.Report{}, f.broken
	}
	f.report = reach.Report{At: time.Now(), Results: []probe.Result{
		{Try: probe.Try{Kind: probe.Host, Target: "a port of this machine", Address: "10.201.9.1:5432"}, Reached: true},
		{Try: probe.Try{Kind: probe.App, Target: "shop/r1", Address: "10.201.1.2:80"}},
	}}
	return f.report, nil
}

func TestChecklist_ShowsTheRedRowsFirstWithTheirFix(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{formField: {s.signIn()}}
	page := s.get("/checklist").body
	mustContain(t, page, "1 to fix, 1 to look at", "Version 1 has &lt;b&gt;holes&lt;/b&gt;.", "Update it.", `href="/settings/machine"`, ">not run yet<")
	if strings.Index(page, "row-engine") > strings.Index(page, "row-password") {
		t.Error("the red row is not the first")
	}
	if answer := s.post("/checklist/check", form); answer.StatusCode != http.StatusSeeOther || s.checklist.checked != 2 {
		t.Errorf("%d, checked %d times", answer.StatusCode, s.checklist.checked)
	}
	mustContain(t, s.get("/checklist").body, "1 red, 1 amber, 1 green")
}

func TestChecklist_TheDashboardNamesRedRowsInOneLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	if page := s.get("/admin").body; strings.Contains(page, "The checklist has") {
		t.Error("the dashboard names rows that nobody checked")
	}
	s.checklist.Check(t.Context())
	mustContain(t, s.get("/admin").body, "The checklist has a red row", `href="/checklist"`)
	s.checklist.rows = s.checklist.rows[:2]
	if page := s.get("/admin").body; strings.Contains(page, "The checklist has") {
		t.Error("the dashboard names red rows where there are none")
	}
}

func TestProbe_RunsByItsButtonAndShowsWhatItTried(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{formField: {s.signIn()}}
	if answer := s.post("/checklist/probe", form); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/checklist") {
		t.Fatalf("%d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	mustContain(t, s.get("/checklist").body, ">1 reached<", "10.201.9.1:5432", "Instances of apps, directly", "The probe reached 1 of 2 addresses.")
	s.checklist.broken = errors.New("the engine is gone")
	if answer := s.post("/checklist/probe", form); answer.StatusCode != http.StatusServiceUnavailable || strings.Contains(answer.body, "the engine is gone") {
		t.Errorf("%d %.200s", answer.StatusCode, answer.body)
	}
}

func TestChecklist_TheAPITellsEveryRow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/checklist", "")
	var told checklistJSON
	if err := json.Unmarshal([]byte(answer.body), &told); err != nil || told.Red != 1 || told.Amber != 1 || told.Green != 1 || len(told.Rows) != 3 {
		t.Errorf("%v %s", err, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodPost, "/api/v1/checklist/probe", ""); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a token that may only read runs a probe: %d", answer.StatusCode)
	}
	answer = s.bearer(adminToken, http.MethodPost, "/api/v1/checklist/probe", "")
	var probed probeJSON
	if err := json.Unmarshal([]byte(answer.body), &probed); err != nil || probed.Tried != 2 || probed.Reached != 1 || len(probed.Results) != 2 {
		t.Errorf("%v %s", err, answer.body)
	}
}

func TestApp_SaysWhetherTheProxyIsTheOnlyWayToIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	view := s.anApp("hello")
	path := "/admin/apps/hello"
	if page := s.get(path).body; strings.Contains(page, "only through the proxy") {
		t.Error("the page knows what nobody tried")
	}
	id := app.ReleaseID{App: "hello", Number: view.Live}
	for says, proof := range map[string]reach.Proof{
		"Reachable only through the proxy":    {Release: id, At: time.Now(), Answered: true},
		"does not answer through the proxy":   {Release: id, At: time.Now()},
		"Another network reaches it directly": {Release: id, At: time.Now(), Answered: true, Leaks: []probe.Try{{Address: "10.201.1.2:80"}}},
	} {
		s.checklist.proof = &proof
		mustContain(t, s.get(path).body, says)
		var told struct{ Network *proofJSON }
		if err := json.Unmarshal([]byte(s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello", "").body), &told); err != nil || told.Network == nil || told.Network.OnlyThroughProxy != proof.Good() {
			t.Errorf("%v, %+v", err, told.Network)
		}
	}
}

func TestChecklist_AServerWithoutOneSaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Checklist, o.Prober = nil, nil })
	s.signIn()
	if answer := s.get("/checklist"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Error(answer.StatusCode)
	}
	if answer := s.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Error(answer.StatusCode)
	}
}
