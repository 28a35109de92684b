package store_test

import (
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/audit"
	"berth/controller/store"
)

// anAuditLog has ten entries, a day apart, the last of them at noon.
func anAuditLog(t *testing.T) (*audit.Log, *store.Store, string) {
	t.Helper()
	folder := t.TempDir()
	ledger := open(t, filepath.Join(folder, "berth.db"))
	kept := openAudit(ledger, folder)
	for i := range 10 {
		kept.Record(t.Context(), audit.Event{At: noon.AddDate(0, 0, i-9), Action: audit.ActionAppStop, Resource: "app hello", Success: true})
	}
	return kept, ledger, folder
}

func openAudit(ledger *store.Store, folder string) *audit.Log {
	return audit.NewLog(audit.Options{
		Ledger: ledger, Key: []byte("a key of the audit log for tests"), File: filepath.Join(folder, "audit.log"), Logger: slog.New(slog.DiscardHandler),
	})
}

func wantVerdict(t *testing.T, kept *audit.Log, entries, lines, removed int64) {
	t.Helper()
	verdict, err := kept.Verify(t.Context())
	if err != nil || !verdict.Whole() || verdict.Entries != entries || verdict.Lines != lines || verdict.Removed != removed {
		t.Errorf("%+v, %v; want %d entries, %d lines, %d removed", verdict, err, entries, lines, removed)
	}
}

func TestAuditCut_TheRestStillVerifiesAndGrows(t *testing.T) {
	t.Parallel()
	kept, ledger, folder := anAuditLog(t)
	if count, err := kept.CountBefore(t.Context(), noon.AddDate(0, 0, -5)); err != nil || count != 4 {
		t.Errorf("%d entries would go: %v", count, err)
	}
	other := openAudit(ledger, folder) // another process
	wantVerdict(t, other, 10, 10, 0)
	removed, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5))
	if err != nil || removed != 4 {
		t.Fatalf("%d were removed: %v", removed, err)
	}
	wantVerdict(t, kept, 7, 7, 4) // with the entry about the cut
	other.Record(t.Context(), audit.Event{Action: audit.ActionAppStart, Success: true})
	kept.Record(t.Context(), audit.Event{Action: audit.ActionAppStart, Success: true})
	wantVerdict(t, other, 9, 9, 4)
	if removed, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5)); err != nil || removed != 0 {
		t.Errorf("again, %d were removed: %v", removed, err)
	}
	if removed, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -2)); err != nil || removed != 3 {
		t.Errorf("three days later, %d were removed: %v", removed, err)
	}
	wantVerdict(t, kept, 7, 7, 7)
	if entries, err := kept.List(t.Context(), audit.Filter{Action: audit.ActionAuditCut}, audit.Page{Limit: 10}); err != nil || len(entries) != 2 || !strings.Contains(entries[1].Detail, "entries 1 to 4") {
		t.Errorf("the log says of it %v, %v", entries, err)
	}
	if names, err := filepath.Glob(filepath.Join(folder, "audit.log*")); err != nil || len(names) != 1 {
		t.Errorf("there are %v, %v", names, err)
	}
}

func TestAuditCut_NeverTakesTheNewestEntry(t *testing.T) {
	t.Parallel()
	kept, _, _ := anAuditLog(t)
	if removed, err := kept.Cut(t.Context(), noon.AddDate(1, 0, 0)); err != nil || removed != 9 {
		t.Fatalf("%d were removed: %v", removed, err)
	}
	wantVerdict(t, kept, 2, 2, 9)
}

func TestAuditCut_AnOlderCopyStillVerifies(t *testing.T) {
	t.Parallel()
	kept, _, folder := anAuditLog(t)
	text, err := os.ReadFile(filepath.Join(folder, "audit.log"))
	must(t, err)
	copied := filepath.Join(t.TempDir(), "copy")
	must(t, os.WriteFile(copied, text, 0o600))
	_, err = kept.Cut(t.Context(), noon.AddDate(0, 0, -5))
	must(t, err)
	if verdict, err := kept.VerifyCopy(t.Context(), copied); err != nil || !verdict.Whole() || verdict.Lines != 10 {
		t.Errorf("the copy from before: %+v, %v", verdict, err)
	}
	must(t, os.WriteFile(copied, []byte(strings.Replace(string(text), "app hello", "app hella", 1)), 0o600))
	if verdict, err := kept.VerifyCopy(t.Context(), copied); err != nil || verdict.Whole() {
		t.Errorf("a copy that was changed: %+v, %v", verdict, err)
	}
}

func TestAuditCut_AFileThatWasNotShortenedYetVerifiesAndIsShortenedNext(t *testing.T) {
	t.Parallel()
	kept, _, folder := anAuditLog(t)
	file := filepath.Join(folder, "audit.log")
	before, err := os.ReadFile(file)
	must(t, err)
	_, err = kept.Cut(t.Context(), noon.AddDate(0, 0, -5))
	must(t, err)
	after, err := os.ReadFile(file)
	must(t, err)
	// As if the process had been killed after the ledger's transaction.
	must(t, os.WriteFile(file, []byte(string(before)+string(after[strings.LastIndex(strings.TrimSuffix(string(after), "\n"), "\n")+1:])), 0o600))
	must(t, os.WriteFile(file+".new", []byte("half"), 0o600))
	wantVerdict(t, kept, 7, 11, 4)
	if removed, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5)); err != nil || removed != 0 {
		t.Errorf("%d were removed: %v", removed, err)
	}
	wantVerdict(t, kept, 7, 7, 4)
}

func TestAuditCut_RefusesToHideWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	kept, _, folder := anAuditLog(t)
	raw := rawLedger(t, folder)
	runRaw(t, raw, `DROP TRIGGER audit_is_never_changed`)
	runRaw(t, raw, `UPDATE audit SET account = 'mallory' WHERE sequence = 2`)
	if removed, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5)); err == nil || removed != 0 {
		t.Errorf("%d entries were removed: %v", removed, err)
	}
	if verdict, err := kept.Verify(t.Context()); err != nil || verdict.Whole() || verdict.Removed != 0 {
		t.Errorf("%+v, %v", verdict, err)
	}
}

func TestAuditCut_ByWhoHasNoKeyIsFound(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"more removed, the record as it was": {`DROP TRIGGER audit_is_never_cut`, `DELETE FROM audit WHERE sequence <= 6`},
		"more removed, and the record moved": {`DROP TRIGGER audit_is_never_cut`, `UPDATE audit_base SET count = 6, hash = (SELECT hash FROM audit WHERE sequence = 6)`, `DELETE FROM audit WHERE sequence <= 6`},
		"the record removed":                 {`DROP TRIGGER audit_base_stays`, `DELETE FROM audit_base`},
	} {
		kept, _, folder := anAuditLog(t)
		_, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5))
		must(t, err)
		raw := rawLedger(t, folder)
		for _, statement := range statements {
			runRaw(t, raw, statement)
		}
		if verdict, err := kept.Verify(t.Context()); err != nil || verdict.Whole() {
			t.Errorf("%s: %+v, %v", name, verdict, err)
		}
	}
}

func TestAuditCut_TheLedgerItselfRefusesOthers(t *testing.T) {
	t.Parallel()
	kept, _, folder := anAuditLog(t)
	_, err := kept.Cut(t.Context(), noon.AddDate(0, 0, -5))
	must(t, err)
	raw := rawLedger(t, folder)
	for _, statement := range []string{
		`DELETE FROM audit WHERE sequence = 5`, `DELETE FROM audit_base`, `UPDATE audit_base SET count = 3`,
	} {
		if _, err := raw.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("done: %s", statement)
		}
	}
}

func rawLedger(t *testing.T, folder string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite3", filepath.Join(folder, "berth.db"))
	must(t, err)
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func runRaw(t *testing.T, raw *sql.DB, statement string) {
	t.Helper()
	_, err := raw.ExecContext(t.Context(), statement)
	must(t, err)
}
