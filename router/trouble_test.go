package router

import (
	"context"
	"regexp"
	"testing"
	"time"

	"berth/controller/alert"
	"berth/controller/app"
)

// alertsInPhase has one alert, in that phase.
type alertsInPhase struct {
	Alerts
	phase alert.Phase
}

func (a alertsInPhase) View(ctx context.Context) (alert.Book, error) {
	book, err := a.Alerts.View(ctx)
	book.States = []alert.State{{Phase: a.phase, Since: time.Now()}}
	return book, err
}

// icon is the name of the icon that a page's tab has, without its hash.
func (s *site) icon(path string) string {
	s.t.Helper()
	found := regexp.MustCompile(`<link rel="icon" href="/static/([a-z-]+)-[0-9a-f]{12}\.svg"`).FindStringSubmatch(s.get(path).body)
	if found == nil {
		s.t.Fatalf("%s has no icon", path)
	}
	return found[1]
}

func TestTrouble_IsShownByTheIconOfEveryPage(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*site){
		"an app that crashes": func(s *site) {
			view := s.anApp("hello")
			view.Observed.State = app.Crashing
			s.apps.put(view)
		},
		"an app that was never deployed": func(s *site) {
			view := s.anApp("hello")
			failed := aRelease("hello", 1, app.ReleaseFailed)
			view.Live, view.Latest = 0, &failed
			s.apps.put(view)
		},
		"an alert that fires": nil,
	} {
		s := newSite(t, func(o *Options) {
			o.Alerts = alertsInPhase{o.Alerts, map[bool]alert.Phase{true: alert.Firing}[prepare == nil]}
		})
		if prepare != nil {
			prepare(s)
		}
		if icon := s.icon("/login"); icon != "mark" {
			t.Errorf("%s: who is not signed in sees %s", name, icon)
		}
		s.signIn()
		for _, path := range []string{"/admin", "/volumes", "/help"} {
			if icon := s.icon(path); icon != "mark-trouble" {
				t.Errorf("%s: the icon of %s is %s", name, path, icon)
			}
		}
		mustContain(t, s.get("/admin").body, `data-trouble="true"`)
	}
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	if icon := s.icon("/admin"); icon != "mark" {
		t.Errorf("where all is well, the icon is %s", icon)
	}
}

func TestRelease_TitleTellsTheResult(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("shop")
	s.signIn()
	for state, want := range map[app.ReleaseState]string{
		app.ReleaseQueued: "Queued: shop r4", app.ReleaseBuilding: "Building: shop r4", app.ReleaseVerifying: "Verifying: shop r4",
		app.ReleaseLive: "Live: shop r4", app.ReleaseFailed: "Failed: shop r4", app.ReleaseCancelled: "Cancelled: shop r4",
	} {
		s.apps.putRelease(aRelease("shop", 4, state))
		mustContain(t, s.get("/admin/apps/shop/releases/4").body, "<title>"+want+" · Berth</title>", `data-title="`+want+`"`)
	}
}
