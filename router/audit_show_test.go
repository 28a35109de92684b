package router

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/audit"
	"berth/controller/store"
)

// auditedSite is a site with a real audit log.
type auditedSite struct {
	*site
	log    *audit.Log
	folder string
}

func newAuditedSite(t *testing.T) *auditedSite {
	t.Helper()
	folder := t.TempDir()
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	log := audit.NewLog(audit.Options{
		Ledger: ledger, Key: bytes.Repeat([]byte("k"), 32), File: filepath.Join(folder, "audit.log"), Logger: slog.New(slog.DiscardHandler),
	})
	return &auditedSite{newSite(t, func(o *Options) { o.Audit = log }), log, folder}
}

func (s *auditedSite) record(count int, change func(int, *audit.Event)) {
	for i := range count {
		event := audit.Event{
			Action: audit.ActionAppStart, Resource: fmt.Sprintf("app a%d", i), Success: true, Account: "admin",
			Address: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", RequestID: "REQUEST7",
		}
		if change != nil {
			change(i, &event)
		}
		s.log.Record(s.t.Context(), event)
	}
}

func (s *auditedSite) rows(path string) int {
	s.t.Helper()
	answer := s.get(path)
	if answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %.300s", path, answer.StatusCode, answer.body)
	}
	return strings.Count(answer.body, `id="entry-`)
}

func TestAuditPage_ShowsTheNewestFirstInPages(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	s.record(120, nil) // and the sign-in
	page := s.get("/settings/audit")
	mustContain(t, page.body, `aria-current="page">Audit log`, `id="entry-121"`, `id="entry-72"`, "before=72", "192.0.2.7",
		"Firefox on Linux", `title="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"`, "REQUEST7", "app a119", "success", "Older", `<span class="badge good">OK`)
	if strings.Contains(page.body, `id="entry-71"`) || strings.Contains(page.body, "Newer") || s.rows("/settings/audit") != 50 {
		t.Error("the first page has more than its entries")
	}
	if strings.Index(page.body, `id="entry-121"`) > strings.Index(page.body, `id="entry-120"`) {
		t.Error("the oldest comes first")
	}
	page = s.get("/settings/audit?before=72")
	mustContain(t, page.body, `id="entry-71"`, `id="entry-22"`, "before=22", "after=71")
	page = s.get("/settings/audit?before=22")
	mustContain(t, page.body, `id="entry-21"`, `id="entry-1"`, "after=21")
	if strings.Contains(page.body, "Older") {
		t.Error("there is nothing older")
	}
	page = s.get("/settings/audit?after=21")
	mustContain(t, page.body, `id="entry-71"`, `id="entry-22"`, "before=22", "after=71")
	page = s.get("/settings/audit?after=71")
	mustContain(t, page.body, `id="entry-121"`, `id="entry-72"`)
	for _, nonsense := range []string{"before=x", "before=-1", "after=99999999999999999999", "before=0%27", "outcome=maybe"} {
		if s.rows("/settings/audit?"+nonsense) != 50 {
			t.Errorf("%s hides entries", nonsense)
		}
	}
}

func TestAuditPage_FiltersByEveryField(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	s.record(6, func(i int, e *audit.Event) {
		e.At = time.Date(2026, 3, 1+i, 12, 0, 0, 0, time.UTC)
		e.Success = i != 2
		if i == 3 {
			e.Action, e.Account = audit.ActionAppStop, "token ci"
		}
	})
	for query, want := range map[string]int{
		"":                               7,
		"text=App+A4":                    1, // A4 alone may stand in an ID
		"text=%25":                       0,
		"action=APP_STOP":                1,
		"who=ci":                         1,
		"outcome=failure":                1,
		"from=2026-03-03&to=2026-03-04":  2,
		"from=2026-03-06":                2, // and today's sign-in
		"to=2026-03-01":                  1,
		"text=app&outcome=success&who=d": 4,
		"text=nothing+at+all":            0,
	} {
		if got := s.rows("/settings/audit?" + query); got != want {
			t.Errorf("%s: %d entries, want %d", query, got, want)
		}
	}
	page := s.get("/settings/audit?text=nothing")
	mustContain(t, page.body, "No entry fits the filter", `value="nothing"`, "Clear")
	page = s.get("/settings/audit?text=app&action=APP_START")
	mustContain(t, page.body, "<option selected>APP_START</option>", "/settings/audit/export?action=APP_START&amp;format=csv&amp;text=app")
}

func TestAuditPage_SaysWhatIsWrongWithADay(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	answer := s.get("/settings/audit?from=yesterday")
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "This is not a day.", `value="yesterday"`, `aria-describedby="from-problem"`)
	if answer := s.get("/settings/audit/export?to=never"); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("export: status %d", answer.StatusCode)
	}
}

func TestAuditPage_TextOfOthersIsNeverMarkup(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	s.record(1, func(_ int, e *audit.Event) {
		e.Action, e.Resource, e.Account, e.Address = payload+"1", payload+"2", payload+"3", payload+"4"
		e.UserAgent, e.RequestID, e.Detail = payload, payload+"6", payload+"7"
	})
	r := s.request(http.MethodGet, "/api/v1/apps", nil)
	r.Header.Set("Authorization", "Bearer nonsense")
	r.Header.Set("User-Agent", payload)
	s.do(r)
	page := s.get("/settings/audit?text=" + url.QueryEscape(payload))
	if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "<img src=x") {
		t.Error("the page lets the payload through")
	}
	mustContain(t, page.body, "&lt;script&gt;alert(1)", "ACCESS_DENIED")
}

func TestAuditPage_CheckFindsWhatWasDoneToAnEntry(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	token := s.signIn()
	s.record(3, nil)
	if answer := s.post("/settings/audit/verify", url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	page := s.get("/settings/audit")
	mustContain(t, page.body, "Integrity OK: 4 entries", "AUDIT_VERIFY", "integrity OK: 4 entries", `badge good">OK`)

	database, err := sql.Open("sqlite3", filepath.Join(s.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	for _, statement := range []string{`DROP TRIGGER audit_is_never_changed`, `UPDATE audit SET account = 'mallory' WHERE sequence = 2`} {
		if _, err := database.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	s.post("/settings/audit/verify", url.Values{formField: {token}})
	page = s.get("/settings/audit")
	mustContain(t, page.body, `badge bad">broken`, "<strong>ledger</strong>: entry 2 was changed or put in", "integrity broken: 1 finding")
}

func TestAuditPage_EndOfTheChainIsLookedAtEachTime(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	database, err := sql.Open("sqlite3", filepath.Join(s.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if _, err := database.Exec(`DELETE FROM audit_head`); err != nil {
		t.Fatal(err)
	}
	mustContain(t, s.get("/settings/audit").body, `badge bad">broken`, "somebody else has written to the ledger")
}

func TestAuditExport_LinesAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	s.record(700, nil)
	file, err := os.ReadFile(filepath.Join(s.folder, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	answer := s.get("/settings/audit/export?format=jsonl")
	if answer.body != string(file) {
		t.Errorf("the export has %d bytes, the file %d", len(answer.body), len(file))
	}
	if kind, name := answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition"); kind != "application/x-ndjson" || !strings.HasPrefix(name, `attachment; filename="berth-audit-`) {
		t.Errorf("%q %q", kind, name)
	}
	filtered := s.get("/settings/audit/export?text=a699")
	if strings.Count(filtered.body, "\n") != 1 || !strings.Contains(filtered.body, `"app a699"`) {
		t.Errorf("filtered: %s", filtered.body)
	}
	entries, err := s.log.List(t.Context(), audit.Filter{Action: audit.ActionAuditExport}, audit.Page{Limit: 5})
	if err != nil || len(entries) != 2 || entries[0].Detail != "jsonl, 1 entry, filtered" || entries[1].Detail != "jsonl, 701 entries" || entries[0].Account != "admin" {
		t.Errorf("recorded %+v, %v", entries, err)
	}
}

func TestAuditExport_SpreadsheetRunsNoCell(t *testing.T) {
	t.Parallel()
	s := newAuditedSite(t)
	s.signIn()
	attacks := []string{
		"=1+1", "+1", "-1", "@SUM(A1)", `=HYPERLINK("http://evil","x")`, `",=1+1,"`, `a",=cmd|' /C calc'!A0`, `';=1`, "x;+1", "  =1", "＝1+1",
	}
	s.record(len(attacks), func(i int, e *audit.Event) { e.UserAgent, e.Resource = attacks[i], attacks[i] })
	answer := s.get("/settings/audit/export?format=csv")
	rows, err := csv.NewReader(strings.NewReader(answer.body)).ReadAll()
	if err != nil || len(rows) != len(attacks)+2 || rows[0][0] != "sequence" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			runs := true // a sign here would begin a formula
			for _, r := range cell {
				if runs && strings.ContainsRune("=+-@＝＋－＠", r) {
					t.Errorf("the cell %q runs", cell)
				}
				runs = strings.ContainsRune(`",;|`, r) || runs && r == ' '
			}
		}
	}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") {
		t.Errorf("Content-Type %q", kind)
	}
}

func TestDefuse_LeavesWhatIsHarmless(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "admin": "admin", "app my-app": "app my-app", "2026-03-01T12:00:00Z": "2026-03-01T12:00:00Z", "a=b": "a=b",
		"=a": "'=a", "\tx": "'\tx", "\rx": "'\rx", `"=`: `"'=`, "a,-b": "a,'-b",
	} {
		if got := defuse(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}

func TestAuditPage_EmptyLogSaysWhatWillBeThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	s.audit.mu.Lock()
	s.audit.events = nil
	s.audit.mu.Unlock()
	mustContain(t, s.get("/settings/audit").body, "No entries yet", "will show up here")
}
