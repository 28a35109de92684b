package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/audit"
	"berth/controller/problem"
	"berth/controller/store"
)

func auditEntry(sequence int64) audit.Entry {
	return audit.Entry{
		Event: audit.Event{
			At: noon, Action: "APP_STOP", Resource: "app a", Success: true, Account: "admin", Address: "192.0.2.1",
			UserAgent: "agent", RequestID: "R", Detail: "d",
		},
		Sequence: sequence, Previous: strings.Repeat("0", 64), Hash: strings.Repeat("1", 64),
	}
}

func appendAudit(t *testing.T, ledger *store.Store, sequences ...int64) error {
	t.Helper()
	return ledger.AppendAudit(t.Context(), func(audit.Head, int64) (entries []audit.Entry, head audit.Head) {
		for _, sequence := range sequences {
			entries = append(entries, auditEntry(sequence))
			head = audit.Head{Count: sequence, Hash: strings.Repeat("1", 64), MAC: strings.Repeat("2", 64)}
		}
		return entries, head
	})
}

func TestAudit_EntriesReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	must(t, appendAudit(t, ledger, 1, 2))
	entry, err := ledger.FindAudit(t.Context(), 2)
	must(t, err)
	if entry != auditEntry(2) {
		t.Errorf("got %+v", entry)
	}
	head, last, err := ledger.FindAuditHead(t.Context())
	if err != nil || head.Count != 2 || last != 2 {
		t.Errorf("head %+v, last %d, %v", head, last, err)
	}
	_, err = ledger.FindAudit(t.Context(), 3)
	wantError(t, err, problem.ErrNotFound)
}

func TestAudit_NothingChangesOrDeletesAnEntry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	must(t, appendAudit(t, open(t, path), 1))
	database := raw(t, path)
	for _, statement := range []string{`UPDATE audit SET account = 'x'`, `DELETE FROM audit`, `DELETE FROM audit WHERE sequence = 1`} {
		if _, err := database.Exec(statement); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestAudit_EntriesAndHeadAreStoredTogetherOrNot(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	must(t, appendAudit(t, ledger, 1))
	if err := appendAudit(t, ledger, 2, 1); err == nil {
		t.Fatal("an entry was stored twice")
	}
	if head, last, err := ledger.FindAuditHead(t.Context()); err != nil || head.Count != 1 || last != 1 {
		t.Errorf("head %+v, last %d, %v", head, last, err)
	}
}

func TestAudit_FreeSequenceSkipsWhatSomebodyHasPutIn(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for _, c := range []struct {
		put  []int64
		want int64
	}{{nil, 1}, {[]int64{1}, 2}, {[]int64{2, 1}, 3}} {
		if c.put != nil {
			ledger = fresh(t)
			must(t, appendAudit(t, ledger, c.put...))
		}
		var free int64
		must(t, ledger.AppendAudit(t.Context(), func(_ audit.Head, found int64) ([]audit.Entry, audit.Head) {
			free = found
			return nil, audit.Head{}
		}))
		if free != c.want {
			t.Errorf("%v: free is %d, want %d", c.put, free, c.want)
		}
	}
}
