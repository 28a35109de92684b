package router

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"

	"berth/controller"
)

// fakeAudit keeps what was recorded.
type fakeAudit struct {
	mu     sync.Mutex
	events []controller.AuditEvent
}

func (f *fakeAudit) Record(_ context.Context, event controller.AuditEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event)
}

func (f *fakeAudit) List(_ context.Context, _ controller.AuditFilter, page controller.AuditPage) ([]controller.AuditEntry, error) {
	var entries []controller.AuditEntry
	for i, event := range f.recorded() {
		entries = append(entries, controller.AuditEntry{AuditEvent: event, Sequence: int64(i + 1)})
	}
	slices.Reverse(entries)
	return entries[:min(page.Limit, len(entries))], nil
}

func (f *fakeAudit) Each(context.Context, controller.AuditFilter, func(controller.AuditEntry) error) error {
	return nil
}

func (f *fakeAudit) Actions(context.Context) ([]controller.Action, error) { return nil, nil }

func (f *fakeAudit) Accounts(context.Context) ([]string, error) { return nil, nil }

func (f *fakeAudit) CheckHead(context.Context) (int64, bool, error) {
	return int64(len(f.recorded())), true, nil
}

func (f *fakeAudit) Verify(context.Context) (controller.AuditVerdict, error) {
	return controller.AuditVerdict{}, nil
}

func (f *fakeAudit) LastVerdict() controller.AuditVerdict { return controller.AuditVerdict{} }

func (f *fakeAudit) recorded() []controller.AuditEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

func TestAudit_EveryRouteThatChangesSomethingNamesItsAction(t *testing.T) {
	for _, r := range new(admin).routes() {
		if changes := r.method != http.MethodGet; changes && r.audit == "" {
			t.Errorf("%s %s names no action for the audit log", r.method, r.path)
		}
	}
}

func TestAudit_SaysWhoDidWhatToWhichApp(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.post("/admin/apps/hello/stop", url.Values{formField: {s.formToken("/admin")}})
	events := s.audit.recorded()
	last := events[len(events)-1]
	if last.Action != controller.ActionAppStop || last.Resource != "app hello" || last.Account != "admin" ||
		!last.Success || last.Address != "127.0.0.1" || last.RequestID == "" {
		t.Errorf("recorded %+v", last)
	}
}

func TestAudit_RecordsWhatWasRefusedBeforeTheHandler(t *testing.T) {
	s := newSite(t)
	s.do(s.request(http.MethodPost, "/admin/apps/hello/delete", nil))
	events := s.audit.recorded()
	if len(events) != 1 || events[0].Success || events[0].Action != controller.ActionAppDelete || events[0].Account != "" {
		t.Errorf("recorded %+v", events)
	}
}
