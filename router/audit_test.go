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
