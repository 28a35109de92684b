package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/backup/hook"
	"berth/controller/problem"
)

// fakeHooks keeps the hooks of apps that have one service, db.
type fakeHooks map[app.Name]hook.Hook

func (f fakeHooks) View(_ context.Context, name app.Name) (hook.View, error) {
	offer := hook.Offer{Database: "PostgreSQL", Hook: hook.Hook{App: name, Service: "db", Before: []string{"sh", "-c", "dump"}, After: []string{"rm", "dump"}}}
	return hook.View{Hook: f[name], Services: []string{"db"}, Offers: []hook.Offer{offer}}, nil
}

func (f fakeHooks) Save(_ context.Context, wish hook.Hook) error {
	if wish.Service != "db" {
		return problem.Problems{problem.Invalid("The app has no such service.", "Choose db.").At(hook.FieldService)}
	}
	f[wish.App] = wish
	return nil
}

func (f fakeHooks) Delete(_ context.Context, name app.Name) error {
	delete(f, name)
	return nil
}

func TestBackupHook_IsTakenFromAnOfferTypedAndTakenAway(t *testing.T) {
	t.Parallel()
	hooks := fakeHooks{}
	s := newSite(t, func(o *Options) { o.Hooks = hooks })
	s.anApp("hello")
	token, path := s.signIn(), "/admin/apps/hello/backup-hook"
	mustContain(t, s.get("/admin/apps/hello/settings").body, "Dump PostgreSQL of db before each backup")
	if answer := s.post(path, url.Values{formField: {token}, fieldHookOffer: {"db"}}); answer.StatusCode != http.StatusSeeOther || len(hooks["hello"].After) != 2 {
		t.Fatalf("%d, %+v", answer.StatusCode, hooks)
	}
	typed := url.Values{formField: {token}, hook.FieldService: {"db"}, hook.FieldBefore: {"dump\r\n--to=/data/canary here\r\n"}, hook.FieldAfter: {""}}
	if answer := s.post(path, typed); answer.StatusCode != http.StatusSeeOther || hooks["hello"].Before[1] != "--to=/data/canary here" || len(hooks["hello"].Before) != 2 {
		t.Fatalf("%d, %+v", answer.StatusCode, hooks)
	}
	for _, event := range s.audit.recorded() {
		if event.Action == audit.ActionBackupHook && strings.Contains(event.Detail, "canary") {
			t.Errorf("the audit log has the command: %+v", event)
		}
	}
	typed[hook.FieldService] = []string{"other"}
	if answer := s.post(path, typed); answer.StatusCode < http.StatusBadRequest || !strings.Contains(answer.body, "no such service") || !strings.Contains(answer.body, "canary here") {
		t.Errorf("%d: %s", answer.StatusCode, answer.body)
	}
	if answer := s.post(path, url.Values{formField: {token}, hook.FieldBefore: {""}}); answer.StatusCode != http.StatusSeeOther || len(hooks) != 0 {
		t.Errorf("%d, %+v", answer.StatusCode, hooks)
	}
}
