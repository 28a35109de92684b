package controller_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"berth/controller/audit"
	"berth/controller/store"
)

// auditHouse is an audit log on real files, and the means to tamper with them.
type auditHouse struct {
	*audit.Log
	t      testing.TB
	folder string
	ledger *store.Store
	logged *bytes.Buffer
}

func newAuditHouse(t testing.TB) *auditHouse {
	t.Helper()
	h := &auditHouse{t: t, folder: t.TempDir(), logged: &bytes.Buffer{}}
	h.open()
	return h
}

// open opens the log as another process would.
func (h *auditHouse) open() {
	h.t.Helper()
	ledger, err := store.Open(h.t.Context(), filepath.Join(h.folder, "berth.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = ledger.Close() })
	h.ledger = ledger
	h.Log = audit.NewLog(audit.Options{
		Ledger: ledger, Key: bytes.Repeat([]byte("k"), 32), File: h.file(), Logger: slog.New(slog.NewTextHandler(h.logged, nil)),
	})
}

func (h *auditHouse) file() string { return filepath.Join(h.folder, "audit.log") }

func (h *auditHouse) record(count int) {
	h.t.Helper()
	for i := range count {
		h.Record(h.t.Context(), audit.Event{
			Action: audit.ActionAppStart, Resource: fmt.Sprintf("app a%d", i), Success: true, Account: "admin",
			Address: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "R", Detail: "",
		})
	}
}

func (h *auditHouse) lines() []string {
	h.t.Helper()
	text, err := os.ReadFile(h.file())
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
}

func (h *auditHouse) rewrite(lines ...string) {
	h.t.Helper()
	text := strings.Join(lines, "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if err := os.WriteFile(h.file(), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// tamper changes the ledger as somebody who can write its file.
func (h *auditHouse) tamper(statements ...string) {
	h.t.Helper()
	database, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer database.Close()
	for _, statement := range append([]string{
		`DROP TRIGGER IF EXISTS audit_is_never_changed`, `DROP TRIGGER IF EXISTS audit_is_never_cut`,
	}, statements...) {
		if _, err := database.Exec(statement); err != nil {
			h.t.Fatal(statement, err)
		}
	}
}

func (h *auditHouse) verify() audit.Verdict {
	h.t.Helper()
	verdict, err := h.Verify(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return verdict
}

// wantFindings compares with "place: what", each the beginning of a finding.
func (h *auditHouse) wantFindings(wanted ...string) {
	h.t.Helper()
	verdict := h.verify()
	matches := len(verdict.Findings) == len(wanted)
	for i := range min(len(wanted), len(verdict.Findings)) {
		matches = matches && strings.HasPrefix(verdict.Findings[i].String(), wanted[i])
	}
	if !matches || verdict.Whole() != (len(wanted) == 0) {
		h.t.Errorf("findings %q, want %q", verdict.Findings, wanted)
	}
}

func TestAuditLog_IsWholeInLedgerAndFile(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.wantFindings()
	h.record(3)
	h.wantFindings()
	if verdict := h.verify(); verdict.Entries != 3 || verdict.Lines != 3 {
		t.Errorf("counted %d entries and %d lines", verdict.Entries, verdict.Lines)
	}
	if count, good, err := h.CheckHead(t.Context()); count != 3 || !good || err != nil {
		t.Errorf("head: %d, %t, %v", count, good, err)
	}
	info, err := os.Stat(h.file())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAuditLog_NarrowsTheModeOfItsFile(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(1)
	if err := os.Chmod(h.file(), 0o644); err != nil {
		t.Fatal(err)
	}
	h.record(1)
	if info, err := os.Stat(h.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if !strings.Contains(h.logged.String(), "open to others") {
		t.Errorf("logged %s", h.logged)
	}
}

func TestAuditLog_LinesHaveTheDocumentedFields(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.Record(t.Context(), audit.Event{
		At: time.Date(2025, 9, 29, 16, 23, 45, 0, time.FixedZone("", 2*3600)), Action: audit.ActionLoginSuccess, Success: true,
		Account: "admin", Address: "192.168.1.100", UserAgent: "Mozilla/5.0", RequestID: "ABC", Resource: "session",
	})
	var line map[string]any
	if err := json.Unmarshal([]byte(h.lines()[0]), &line); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"timestamp": "2025-09-29T14:23:45Z", "client_ip": "192.168.1.100", "action": "LOGIN_SUCCESS", "user": "admin",
		"user_agent": "Mozilla/5.0", "success": true, "resource": "session", "request_id": "ABC", "detail": "", "sequence": 1.0,
	} {
		if line[field] != want {
			t.Errorf("%s is %v, want %v", field, line[field], want)
		}
	}
}

func TestAuditLog_FindsWhatWasDoneToTheLedger(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]struct {
		statements []string
		wanted     []string
	}{
		"edit": {[]string{`UPDATE audit SET account = 'mallory' WHERE sequence = 3`}, []string{"ledger: entry 3 was changed or put in"}},
		"edit the hash too": {
			[]string{`UPDATE audit SET account = 'mallory', hash = replace(hash, 'a', 'b') WHERE sequence = 3`},
			[]string{"ledger: entry 3 was changed or put in"},
		},
		"turn a failure into a success": {[]string{`UPDATE audit SET success = 1 - success WHERE sequence = 1`}, []string{"ledger: entry 1 was changed"}},
		"move text between fields": {
			[]string{`UPDATE audit SET account = account || address, address = '' WHERE sequence = 2`},
			[]string{"ledger: entry 2 was changed"},
		},
		"remove the first":     {[]string{`DELETE FROM audit WHERE sequence = 1`}, []string{"ledger: entry 1 is missing"}},
		"remove in the middle": {[]string{`DELETE FROM audit WHERE sequence IN (3, 4)`}, []string{"ledger: entries 3 to 4 are missing"}},
		"remove and close up": {
			[]string{`DELETE FROM audit WHERE sequence = 3`, `UPDATE audit SET sequence = sequence - 1 WHERE sequence > 3`},
			[]string{"ledger: entry 3 was changed", "ledger: entry 4 was changed", "ledger: entry 5 was changed", "ledger: entry 6 is missing at the end", "audit.log: entry 6 is not in the ledger"},
		},
		"truncate": {[]string{`DELETE FROM audit WHERE sequence > 4`}, []string{"ledger: entries 5 to 6 are missing at the end", "audit.log: entry 6 is not in the ledger"}},
		"truncate with the head": {
			[]string{`DELETE FROM audit WHERE sequence > 4`, `DELETE FROM audit_head`},
			[]string{"ledger: the head record is missing", "audit.log: entry 6 is not in the ledger"},
		},
		"truncate and turn the head back": {
			[]string{`DELETE FROM audit WHERE sequence > 4`, `UPDATE audit_head SET count = 4, hash = (SELECT hash FROM audit WHERE sequence = 4)`},
			[]string{"ledger: the head record was changed", "audit.log: entry 6 is not in the ledger"},
		},
		"reorder": {
			[]string{`UPDATE audit SET sequence = 99 WHERE sequence = 2`, `UPDATE audit SET sequence = 2 WHERE sequence = 3`, `UPDATE audit SET sequence = 3 WHERE sequence = 99`},
			[]string{"ledger: entry 2 was changed", "ledger: entry 3 was changed"},
		},
		"insert at the end": {
			[]string{`INSERT INTO audit SELECT 7, at, action, resource, success, account, address, user_agent, request_id, detail, hash, hash FROM audit WHERE sequence = 6`},
			[]string{"ledger: entry 7 was changed or put in"},
		},
		"remove all": {
			[]string{`DELETE FROM audit`, `DELETE FROM audit_head`},
			[]string{"audit.log: entry 6 is not in the ledger"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newAuditHouse(t)
			h.record(6)
			h.tamper(attack.statements...)
			h.wantFindings(attack.wanted...)
		})
	}
}

func TestAuditLog_FindsWhatWasDoneToTheFile(t *testing.T) {
	t.Parallel()
	forged := func(line string) string { return strings.Replace(line, "admin", "mallory", 1) }
	for name, attack := range map[string]struct {
		change func(l []string) []string
		wanted []string
	}{
		"edit": {func(l []string) []string { l[2] = forged(l[2]); return l }, []string{"audit.log: entry 3 was changed or put in"}},
		"edit into another spelling": {
			func(l []string) []string { l[2] = strings.Replace(l[2], `"user":`, `"user": `, 1); return l },
			[]string{"audit.log: line 3, where entry 3 is expected, is no entry"},
		},
		"edit into a second user": {
			func(l []string) []string {
				l[2] = strings.Replace(l[2], `"user":"admin"`, `"user":"admin","user":"admin"`, 1)
				return l
			},
			[]string{"audit.log: line 3, where entry 3 is expected, is no entry"},
		},
		"remove the first":     {func(l []string) []string { return l[1:] }, []string{"audit.log: entry 1 is missing"}},
		"remove in the middle": {func(l []string) []string { return append(l[:2:2], l[4:]...) }, []string{"audit.log: entries 3 to 4 are missing"}},
		"remove the last":      {func(l []string) []string { return l[:5] }, []string{"audit.log: entry 6 is missing: the file was cut"}},
		"remove all":           {func([]string) []string { return nil }, []string{"audit.log: entries 1 to 6 are missing: the file was cut"}},
		"reorder":              {func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, []string{"audit.log: entry 2 stands in the wrong place"}},
		"repeat":               {func(l []string) []string { return append(l[:3:3], l[2:]...) }, []string{"audit.log: entry 3 is there twice"}},
		"insert": {
			func(l []string) []string { return append(l[:2:2], append([]string{forged(l[2])}, l[2:]...)...) },
			[]string{"audit.log: entry 3 was changed or put in"},
		},
		"insert what is none": {
			func(l []string) []string { return append(l[:2:2], append([]string{"hello\n"}, l[2:]...)...) },
			[]string{"audit.log: line 3, where entry 3 is expected, is no entry"},
		},
		"cut in a line": {func(l []string) []string { l[5] = l[5][:40]; return l }, []string{"audit.log: line 6, where entry 6", "audit.log: entry 6 is missing"}},
		"a line without end": {
			func(l []string) []string { l[3] = strings.Repeat("x", 1<<20) + "\n"; return l },
			[]string{"audit.log: line 4, where entry 4 is expected, is no entry"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newAuditHouse(t)
			h.record(6)
			h.rewrite(attack.change(h.lines())...)
			h.wantFindings(attack.wanted...)
		})
	}
}

func TestAuditLog_FindsTheSameAttackOnBoth(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(6)
	h.tamper(`DELETE FROM audit WHERE sequence = 3`)
	lines := h.lines()
	h.rewrite(append(lines[:2:2], lines[3:]...)...)
	h.wantFindings("ledger: entry 3 is missing", "audit.log: entry 3 is missing")
}

func TestAuditLog_TruncationOfBothIsSeenByTheHead(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(6)
	h.tamper(`DELETE FROM audit WHERE sequence > 3`)
	h.rewrite(h.lines()[:3]...)
	h.wantFindings("ledger: entries 4 to 6 are missing at the end", "audit.log: entries 4 to 6 are missing")
	h.open() // what is recorded afterwards does not cover it up
	h.record(2)
	h.wantFindings("ledger: entries 4 to 6 are missing", "audit.log: entries 4 to 6 are missing")
}

func TestAuditLog_TruncationWithTheHeadLeavesAScar(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(6)
	h.tamper(`DELETE FROM audit WHERE sequence > 3`, `DELETE FROM audit_head`)
	h.rewrite(h.lines()[:3]...)
	h.open()
	h.record(2)
	h.wantFindings("ledger: before entry 4 the end of the chain had been removed", "audit.log: before entry 4 the end of the chain")
}

func TestAuditLog_ServerThatRunsRemembersTheEnd(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(3)
	backup, err := os.ReadFile(h.file())
	if err != nil {
		t.Fatal(err)
	}
	var count int64
	var hash, mac string
	var written int64
	database, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if err := database.QueryRow(`SELECT count, hash, written, mac FROM audit_head`).Scan(&count, &hash, &written, &mac); err != nil {
		t.Fatal(err)
	}
	h.record(3)
	h.tamper(`DELETE FROM audit WHERE sequence > 3`,
		fmt.Sprintf(`UPDATE audit_head SET count = %d, hash = '%s', written = %d, mac = '%s'`, count, hash, written, mac))
	h.rewrite(string(backup))
	h.wantFindings() // all of it is as it was: only who remembers can tell
	h.record(1)
	h.wantFindings("ledger: entries 4 to 6 are missing", "audit.log: entries 4 to 6 are missing")
}

func TestAuditLog_EntriesPutInDoNotStopTheLog(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(2)
	h.tamper(`INSERT INTO audit SELECT 3, at, action, resource, success, 'mallory', address, user_agent, request_id, detail, hash, hash FROM audit WHERE sequence = 2`)
	h.record(2)
	h.wantFindings("ledger: entry 3 was changed or put in", "audit.log: entry 3 is missing")
	if strings.Contains(strings.Join(h.lines(), ""), "mallory") {
		t.Error("the forged entry was written into the file")
	}
}

func TestAuditLog_CrashBetweenCommitAndLineIsMadeGood(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(4)
	whole := strings.Join(h.lines(), "")
	for cut := range len(whole) + 1 {
		if cut < len(whole)-600 && cut%97 != 0 {
			continue // every byte of the end, and some before
		}
		if err := os.WriteFile(h.file(), []byte(whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		other := audit.NewLog(audit.Options{
			Ledger: h.ledger, Key: bytes.Repeat([]byte("k"), 32), File: h.file(), Logger: slog.New(slog.DiscardHandler),
		})
		if err := other.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(h.lines(), ""); !strings.HasPrefix(text+"\n", whole) && text != strings.TrimSuffix(whole, "\n") {
			t.Fatalf("cut at %d: %q", cut, text)
		}
		if verdict := h.verify(); !verdict.Whole() {
			t.Fatalf("cut at %d: %q", cut, verdict.Findings)
		}
	}
}

func TestAuditLog_TellsThatItsFileHadBeenCut(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(5)
	h.rewrite(h.lines()[:2]...)
	h.open()
	h.record(1)
	h.wantFindings()
	entries, err := h.List(t.Context(), audit.Filter{Action: audit.ActionAuditRepair}, audit.Page{Limit: 10})
	if err != nil || len(entries) != 1 || !strings.Contains(entries[0].Detail, "entries 3 to 4") {
		t.Errorf("recorded %+v, %v", entries, err)
	}
}

func TestAuditLog_LineThatIsNoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(2)
	h.rewrite(append(h.lines(), "\nhello")...)
	h.open()
	h.record(2)
	h.wantFindings("audit.log: line 3, where entry 3 is expected, is no entry")
}

func TestAuditLog_RefusesALinkInThePlaceOfItsFile(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	elsewhere := filepath.Join(h.folder, "elsewhere")
	if err := os.WriteFile(elsewhere, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, h.file()); err != nil {
		t.Fatal(err)
	}
	h.record(1)
	if text, _ := os.ReadFile(elsewhere); len(text) > 0 || !strings.Contains(h.logged.String(), "write audit file") {
		t.Errorf("wrote %q, logged %s", text, h.logged)
	}
	if count, good, _ := h.CheckHead(t.Context()); count != 1 || !good {
		t.Error("the ledger does not have the entry")
	}
}

func TestAuditLog_ManyProcessesMakeOneChain(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	first := h.Log
	h.open()
	var group sync.WaitGroup
	for _, log := range []*audit.Log{first, h.Log} {
		for range 4 {
			group.Go(func() {
				for range 25 {
					log.Record(t.Context(), audit.Event{Action: audit.ActionLogout, Success: true})
				}
			})
		}
	}
	group.Wait()
	h.wantFindings()
	if verdict := h.verify(); verdict.Entries != 200 || verdict.Lines != 200 {
		t.Errorf("%d entries, %d lines: %s", verdict.Entries, verdict.Lines, h.logged)
	}
}

func TestAuditLog_KeepsWhatWasCancelled(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	ctx, cancel := context.WithCancel(audit.WithOrigin(t.Context(), audit.Origin{Address: "192.0.2.9", RequestID: "R7"}))
	cancel()
	h.Record(ctx, audit.Event{Action: audit.ActionWaiverGrant})
	entries, err := h.List(t.Context(), audit.Filter{}, audit.Page{Limit: 1})
	if err != nil || len(entries) != 1 || entries[0].Address != "192.0.2.9" || entries[0].RequestID != "R7" {
		t.Errorf("recorded %+v, %v", entries, err)
	}
}

func TestAuditLog_InjectionStaysInItsField(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	hostile := "a\r\n{\"action\":\"LOGIN_SUCCESS\"}\x00\x1b[2J\xff\u202e\u2028 b " + strings.Repeat("ü", 400)
	h.Record(t.Context(), audit.Event{
		Action: audit.Action(hostile), Resource: hostile, Account: hostile, Address: hostile, UserAgent: hostile, RequestID: hostile, Detail: hostile,
	})
	h.wantFindings()
	if lines := h.lines(); len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	entries, err := h.List(t.Context(), audit.Filter{}, audit.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := entries[0]
	for field, most := range map[string]int{e.Resource: 200, e.Account: 100, e.Address: 100, e.UserAgent: 300, e.RequestID: 100, e.Detail: 500, string(e.Action): 100} {
		bad := strings.IndexFunc(field, func(r rune) bool { return !unicode.IsPrint(r) })
		if len(field) > most || bad >= 0 || !utf8.ValidString(field) {
			t.Errorf("kept %d bytes: %q", len(field), field)
		}
	}
}

func TestAuditLog_ForgerWithoutTheKeyMakesNoEntry(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(2)
	forger := audit.NewLog(audit.Options{
		Ledger: h.ledger, Key: bytes.Repeat([]byte("x"), 32), File: h.file(), Logger: slog.New(slog.DiscardHandler),
	})
	forger.Record(t.Context(), audit.Event{Action: audit.ActionLoginSuccess})
	if verdict := h.verify(); verdict.Whole() {
		t.Error("a forged entry passes")
	}
}

func TestAuditLog_CopyIsTheProofAgainstALedgerThatWasSetBack(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	h.record(4)
	copied := filepath.Join(t.TempDir(), "copy.log")
	if err := os.WriteFile(copied, []byte(strings.Join(h.lines(), "")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.record(1)
	verdict, err := h.VerifyCopy(t.Context(), copied)
	if err != nil || !verdict.Whole() || verdict.Lines != 4 {
		t.Fatalf("%+v, %v", verdict, err)
	}
	h.tamper(`DELETE FROM audit`, `DELETE FROM audit_head`)
	h.rewrite()
	h.open()
	h.record(4)
	h.wantFindings() // it looks like a new one
	verdict, err = h.VerifyCopy(t.Context(), copied)
	if err != nil || verdict.Whole() || !strings.Contains(verdict.Findings[0].What, "another one than in the ledger") {
		t.Errorf("%+v, %v", verdict, err)
	}
}

func TestAuditLog_FiltersAndPages(t *testing.T) {
	t.Parallel()
	h := newAuditHouse(t)
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for day := range 10 {
		h.Record(t.Context(), audit.Event{
			At: begin.Add(time.Duration(day) * 24 * time.Hour), Action: []audit.Action{"APP_STOP", "APP_START"}[day%2],
			Resource: fmt.Sprintf("app shop_%d%%", day), Success: day != 5, Account: []string{"admin", "token ci"}[day/5],
		})
	}
	for name, c := range map[string]struct {
		filter audit.Filter
		page   audit.Page
		wanted string
	}{
		"all":      {audit.Filter{}, audit.Page{}, "10 9 8 7 6 5 4 3 2 1"},
		"page":     {audit.Filter{}, audit.Page{Limit: 3}, "10 9 8"},
		"older":    {audit.Filter{}, audit.Page{Before: 8, Limit: 3}, "7 6 5"},
		"newer":    {audit.Filter{}, audit.Page{After: 4, Limit: 3}, "7 6 5"},
		"action":   {audit.Filter{Action: "APP_START"}, audit.Page{}, "10 8 6 4 2"},
		"account":  {audit.Filter{Account: "CI"}, audit.Page{}, "10 9 8 7 6"},
		"failure":  {audit.Filter{Outcome: audit.Failed}, audit.Page{}, "6"},
		"text":     {audit.Filter{Text: "SHOP_3"}, audit.Page{}, "4"},
		"wildcard": {audit.Filter{Text: "p%3"}, audit.Page{}, ""},
		"from":     {audit.Filter{From: begin.Add(8 * 24 * time.Hour)}, audit.Page{}, "10 9"},
		"to":       {audit.Filter{To: begin.Add(48 * time.Hour)}, audit.Page{}, "2 1"},
		"injected": {audit.Filter{Text: `' OR 1=1 --`, Account: `"; DROP TABLE audit; --`}, audit.Page{}, ""},
	} {
		if c.page.Limit == 0 {
			c.page.Limit = 100
		}
		entries, err := h.List(t.Context(), c.filter, c.page)
		var found []string
		for _, entry := range entries {
			found = append(found, fmt.Sprint(entry.Sequence))
		}
		if got := strings.Join(found, " "); got != c.wanted || err != nil {
			t.Errorf("%s: got %q, want %q, %v", name, got, c.wanted, err)
		}
	}
	var each []string
	err := h.Each(t.Context(), audit.Filter{Action: "APP_STOP"}, func(e audit.Entry) error {
		each = append(each, fmt.Sprint(e.Sequence))
		return nil
	})
	if got := strings.Join(each, " "); got != "1 3 5 7 9" || err != nil {
		t.Errorf("each: %q, %v", got, err)
	}
}
