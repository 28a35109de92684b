package router

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"berth/controller/alert"
	"berth/controller/app"
)

// noAlerts has no channel, as a new server.
type noAlerts struct{ Alerts }

func (noAlerts) View(context.Context) (alert.Book, error) { return alert.Book{}, nil }

func TestEmpty_EveryEmptyPageLeadsToTheNextStep(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Alerts = noAlerts{o.Alerts} })
	token := s.signIn()
	for path, steps := range map[string][]string{
		"/admin":            {"No apps yet", `href="/upload"`, `name="example" value="hello-python"`},
		"/volumes":          {"There is no volume yet.", `href="#create"`},
		"/settings/domains": {"No app has a host yet.", `<a href="/admin">an app</a>`},
		"/settings/alerts":  {"nobody is told", `href="#kind"`, `id="kind"`},
	} {
		if page := s.get(path); page.StatusCode != http.StatusOK || !containsAll(page.body, steps) {
			t.Errorf("%s (%d) lacks one of %q", path, page.StatusCode, steps)
		}
	}
	deployed := s.upload("/upload", "", part{formField, token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"example", "hello-python", ""})
	if calls := s.apps.called(); deployed.StatusCode != http.StatusSeeOther || len(calls) == 0 || !strings.HasPrefix(calls[len(calls)-1], "accept hello /hello") {
		t.Errorf("the example: %d, %q", deployed.StatusCode, calls)
	}
	s.apps.putRelease(aRelease("hello", 1, app.ReleaseLive))
	s.anApp("hello")
	for path, steps := range map[string][]string{
		"/admin/apps/hello/logs":                     {"has printed nothing yet", `<a href="/admin/apps/hello">See whether it runs</a>`},
		"/admin/apps/hello/logs?q=x":                 {"No line matches.", "Show all lines"},
		"/admin/apps/hello/logs?service=%40requests": {"no request yet", `href="/admin/apps/hello/routes"`},
		"/admin/apps/hello/environment":              {`id="set"`},
	} {
		if page := s.get(path); page.StatusCode != http.StatusOK || !containsAll(page.body, steps) {
			t.Errorf("%s (%d) lacks one of %q", path, page.StatusCode, steps)
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
