package router

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

var tabsOfHello = []appTab{tabOverview, tabLogs, tabReleases, tabEnvironment, tabDomains, tabVolumes, tabAccess, tabSettings}

func TestTabs_EachHasAnAddressAndIsMarkedInTheBar(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	s.signIn()
	for _, tab := range tabsOfHello {
		answer := s.get(tabPath("hello", tab))
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", tab, answer.StatusCode)
			continue
		}
		_, bar, _ := strings.Cut(answer.body, `aria-label="Pages of hello"`)
		bar, _, _ = strings.Cut(bar, "</nav>")
		for _, other := range tabsOfHello {
			mustContain(t, bar, `href="`+tabPath("hello", other)+`"`)
		}
		if open := regexp.MustCompile(`href="([^"]*)" aria-current="page"`).FindAllStringSubmatch(bar, -1); len(open) != 1 || open[0][1] != tabPath("hello", tab) {
			t.Errorf("%s: the bar marks %q", tab, open)
		}
	}
	if body := s.get("/admin/apps/hello").body; !strings.Contains(body, `href="/admin/apps/hello/settings" id="settings"`) {
		t.Error("the old anchor #settings leads nowhere")
	}
}

func TestTabs_HaveOneMainButtonAtMost(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	token := s.signIn()
	s.post("/admin/apps/hello/environment", url.Values{formField: {token}, "name": {"MODE"}, "value": {"one"}, "kind": {"variable"}})
	s.post("/admin/apps/hello/access/maintenance", url.Values{formField: {token}, "on": {"1"}})
	main := regexp.MustCompile(`<(?:button|a)[^>]*class="(?:[^"]* )?main(?: [^"]*)?"`)
	for _, tab := range tabsOfHello {
		if found := main.FindAllString(s.get(tabPath("hello", tab)).body, -1); len(found) > 1 {
			t.Errorf("%s has %d: %q", tab, len(found), found)
		}
	}
}

func TestTabs_AFormThatIsRefusedComesBackOnItsTabWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	token := s.signIn()
	for path, sent := range map[string]struct {
		tab         appTab
		field, text string
	}{
		"/settings":    {tabSettings, "memory", "lots"},
		"/push":        {tabSettings, "branch", "no branch"},
		"/webhook":     {tabSettings, "repository", "no repository"},
		"/delete":      {tabSettings, "confirm", "helo"},
		"/backup-hook": {tabSettings, "backup_before", "typed-command"},
		"/egress":      {tabAccess, "egress_hosts", "typed host"},
		"/mounts":      {tabVolumes, "target", "typed-target"},
		"/volumes":     {tabVolumes, "target", "typed-target"},
		"/rollback":    {tabReleases, "release", "x"},
	} {
		form := url.Values{formField: {token}, sent.field: {sent.text}}
		switch path {
		case "/egress":
			form.Set("egress", "list")
		case "/mounts", "/volumes":
			form.Set("volume", "fresh")
		case "/backup-hook":
			form.Set("backup_service", "none")
		}
		answer := s.post("/admin/apps/hello"+path, form)
		if answer.StatusCode < 400 {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
		mustContain(t, answer.body, `href="`+tabPath("hello", sent.tab)+`" aria-current="page"`)
		if path != "/rollback" {
			mustContain(t, answer.body, sent.text)
		}
	}
}

func TestVolumes_OneIsMadeAndMountedInOneStep(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	answer := s.post("/admin/apps/hello/volumes", url.Values{formField: {token}, "volume": {"fresh"}, "target": {"/data"}, "read_only": {"1"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	if calls := s.apps.called(); !slices.Contains(calls, "mounts [{fresh /data true}] by admin hello") {
		t.Errorf("calls %q", calls)
	}
	mustContain(t, s.get("/volumes").body, "fresh")
}

func TestVolumes_NoneIsMadeWhereItCannotBeMounted(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	for name, form := range map[string]url.Values{
		"a bad name":   {"volume": {"No Name"}, "target": {"/data"}},
		"a bad target": {"volume": {"fresh"}, "target": {"/proc/1"}},
		"a taken name": {"volume": {"data"}, "target": {"/data"}},
	} {
		form.Set(formField, token)
		answer := s.post("/admin/apps/hello/volumes", form)
		if answer.StatusCode < 400 {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="new-volume-problem"`, `value="`+form.Get("volume")+`"`)
	}
	if strings.Contains(s.get("/volumes").body, "fresh") {
		t.Error("a volume was made")
	}
}

func TestVolumes_OneThatWasMadeButNotMountedIsChosenInTheForm(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	s.apps.onAct = func(string, app.Name) error {
		return problem.Conflict("A release is under way.", "Wait until it has ended.")
	}
	answer := s.post("/admin/apps/hello/volumes", url.Values{formField: {token}, "volume": {"fresh"}, "target": {"/data"}})
	if answer.StatusCode != http.StatusConflict {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, "The volume fresh is there, but it isn&#39;t mounted yet.", `<option class="pick-a" selected>fresh</option>`, "A release is under way.", `value="/data"`)
}

func TestVolumes_ThoseOfTheComposeFileAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Services = []app.ServiceRun{{Main: true, Spec: plan.Service{Name: "db", Mounts: []plan.Mount{{Volume: "rows", Target: "/var/lib/db", ReadOnly: true}}}}}
	s.apps.putRelease(live)
	view.Live = 2
	s.apps.put(view)
	s.signIn()
	mustContain(t, s.get("/admin/apps/hello/volumes").body, "Volumes of the compose file", `href="/volumes/hello_rows"`, "/var/lib/db", "read only")
}
