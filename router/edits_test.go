package router

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/environment"
)

// editsNothing are the forms that need no version, with the reason.
var editsNothing = map[string]string{
	"/logout": "ends the session", "/theme": "is of this browser alone", "/password": "shows no value, and the old password proves that it is known",

	"/settings/second-factor/begin": "begins anew", "/settings/second-factor/confirm": "a code proves it", "/settings/second-factor/disable": "a password and a code prove it",
	"/settings/second-factor/codes": "makes new codes", "/settings/second-factor/codes/download": "changes nothing", "/settings/second-factor/decline": "hides an offer",
	"/settings/sessions/end": "ends the session that it names", "/settings/sessions/end-others": "ends sessions",
	"/settings/accounts": "adds", "/settings/accounts/:account/reset": "makes a new password", "/settings/accounts/:account/remove": "removes what it names",
	"/settings/accounts/:account/remove-second-factor": "removes what it names",

	"/settings/domains/check": "asks again", "/settings/domains/redirects": "adds, and a host that is taken is refused", "/settings/domains/redirects/remove": "removes what it names",
	"/settings/certificates/:host/own": "shows no value: a certificate replaces whatever is there", "/settings/certificates/:host/own/remove": "removes what it names", "/settings/certificates/:host/again": "asks again",
	"/settings/disks/clean":     "does what the rules say",
	"/settings/alerts/channels": "adds", "/settings/alerts/channels/:id/test": "sends a test", "/settings/alerts/channels/:id/remove": "removes what it names",
	"/settings/alerts/rules": "adds", "/settings/alerts/rules/:id/remove": "removes what it names",
	"/settings/alerts/rules/:id/mute": "is shown only where there is no mute", "/settings/alerts/rules/:id/unmute": "ends what it names",
	"/settings/alerts/heartbeat/test": "sends a test", "/settings/alerts/heartbeat/remove": "removes what it names",
	"/settings/registries": "shows no value: a password replaces whatever is there", "/settings/registries/:host/test": "tries", "/settings/registries/:host/remove": "removes what it names",
	"/admin/apps/:name/image-tag/check": "acts", "/admin/apps/:name/image-tag/hook": "makes new secrets", "/admin/apps/:name/image-tag/hook/remove": "removes what it names",
	"/settings/backups/key": "makes a key", "/settings/backups/drill": "begins", "/settings/backups/now": "begins",
	"/checklist/check": "checks again", "/checklist/probe": "tries",
	"/settings/limits/clear": "forgets what it names", "/settings/audit/verify": "checks",
	"/settings/tokens": "adds", "/settings/tokens/:id/revoke": "ends what it names", "/settings/keys": "adds", "/settings/keys/:id/remove": "removes what it names",

	"/upload": "adds", "/admin/apps/:name/update": "is a new release, and releases come one after the other",
	"/admin/apps/:name/start": "acts", "/admin/apps/:name/stop": "acts", "/admin/apps/:name/restart": "acts", "/admin/apps/:name/delete": "acts, and is confirmed", "/admin/apps/:name/rename": "names the app by its address: whoever was first has moved it",
	"/admin/apps/:name/rollback": "goes to the release that it names", "/admin/apps/:name/egress/allow": "adds to the list that is there",
	"/admin/apps/:name/webhook/renew": "makes new secrets", "/admin/apps/:name/webhook/fetch": "acts",
	"/admin/apps/:name/move/end": "ends", "/admin/apps/:name/duplicate": "adds",
	"/admin/apps/:name/environment/import": "shows no value: the names of the text are replaced", "/admin/apps/:name/environment/delete": "removes what it names",
	"/admin/apps/:name/environment/apply": "changes no value, and its release tells what it runs with",
	"/admin/apps/:name/volumes":           "adds", "/admin/apps/:name/routes/remove": "removes what it names", "/admin/apps/:name/routes/check": "asks again",
	"/admin/apps/:name/ports": "adds, and a port that is taken is refused", "/admin/apps/:name/ports/remove": "removes what it names",
	"/admin/apps/:name/access/users": "shows no value: a password replaces whatever is there", "/admin/apps/:name/access/users/remove": "removes what it names",
	"/admin/apps/:name/access/password":         "switches to what its button says",
	"/admin/apps/:name/releases/:number/cancel": "acts on what it names", "/admin/apps/:name/releases/:number/retry": "is a new release",
	"/volumes": "adds", "/volumes/:volume/upload": "adds files", "/volumes/:volume/remove": "removes what it names", "/volumes/:volume/delete": "removes, and is confirmed",
}

func TestEdits_EveryFormOfTheTableNamesWhatItEditsOrIsAnException(t *testing.T) {
	t.Parallel()
	left := make(map[string]bool)
	for path := range editsNothing {
		left[path] = true
	}
	for _, r := range new(admin).routes() {
		if r.method != post || !r.access.session {
			continue
		}
		_, excepted := editsNothing[r.path]
		if edits := r.edits.show != nil; edits == excepted {
			t.Errorf("%s: it edits something (%v), or is in editsNothing with a reason (%v)", r.path, edits, excepted)
		}
		delete(left, r.path)
	}
	for path := range left {
		t.Errorf("editsNothing names %s, which is not there", path)
	}
}

func TestEdits_EveryFormThatIsOldIsShownAgainWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	s.signIn()
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Reference = "ghcr.io/ann/shop:2"
	s.apps.putRelease(live)
	s.apps.environment.Variables = []environment.VariableView{{Name: "MODE", Value: "one"}}
	left := make(map[string]bool)
	for _, r := range new(admin).routes() {
		if r.edits.show != nil {
			left[concrete(r.path)] = true
		}
	}
	for _, page := range append(walkedPaths(), "/admin/apps/hello/environment?name=MODE", "/admin/apps/hello/routes?old=/hello") {
		for _, form := range formsOf(s.walkTo(page).root) {
			version := form.values.Get(fieldVersion)
			if to := form.action; version == "" {
				if left[to] && !strings.HasSuffix(to, "/environment") && !strings.HasSuffix(to, "/routes") { // the form that adds
					t.Errorf("%s: the form to %s has no version", page, to)
				}
				continue
			}
			delete(left, form.action)
			s.refusesOld(page, form)
		}
	}
	for path := range left {
		t.Errorf("no page has the form to %s", path)
	}
}

func (s *site) refusesOld(page string, form sentForm) {
	s.t.Helper()
	fresh := form.values.Get(fieldVersion)
	form.values.Set(fieldVersion, `"old"`)
	if form.text != "" {
		form.values.Set(form.text, "typed-here")
	}
	got := s.post(form.action, form.values)
	if got.StatusCode != http.StatusPreconditionFailed || !strings.Contains(got.body, "Somebody changed this since you opened the page.") {
		s.t.Errorf("%s: an old form to %s: %d", page, form.action, got.StatusCode)
		return
	}
	again := formsOf(parsePage(s.t, got.body))
	at := slices.IndexFunc(again, func(f sentForm) bool { return f.action == form.action && f.values.Get(fieldVersion) == fresh })
	if at < 0 {
		s.t.Errorf("%s: the form to %s is not shown again with the version of now", page, form.action)
		return
	}
	if form.text != "" && !slices.ContainsFunc(again, func(f sentForm) bool { return f.values.Get(form.text) == "typed-here" }) {
		s.t.Errorf("%s: the form to %s has lost what was typed into %s", page, form.action, form.text)
	}
}

// sentForm is what a browser sends of a form.
type sentForm struct {
	action string
	values url.Values
	text   string // the name of the first field that a person types text into
}

func formsOf(root *html.Node) []sentForm {
	var forms []sentForm
	for form := range root.Descendants() {
		if form.Type != html.ElementNode || form.Data != "form" || attribute(form, "method") != "post" {
			continue
		}
		sent := sentForm{action: attribute(form, "action"), values: url.Values{}}
		for n := range form.Descendants() {
			if n.Type == html.ElementNode {
				sent.take(n)
			}
		}
		forms = append(forms, sent)
	}
	return forms
}

func (f *sentForm) take(n *html.Node) {
	name, kind := attribute(n, "name"), attribute(n, "type")
	typed := false
	switch {
	case name == "":
	case n.Data == "textarea":
		typed = true
		if n.FirstChild != nil {
			f.values.Add(name, n.FirstChild.Data)
		} else {
			f.values.Add(name, "")
		}
	case n.Data == "select":
		for option := range n.Descendants() {
			if option.Data == "option" && has(option, "selected") {
				f.values.Add(name, attribute(option, "value"))
			}
		}
	case n.Data != "input", (kind == "checkbox" || kind == "radio") && !has(n, "checked"):
	default:
		typed = kind == "" || kind == "text"
		f.values.Add(name, attribute(n, "value"))
	}
	if typed && f.text == "" {
		f.text = name
	}
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func TestEdits_ARefusedFormTellsWhoMadeTheLastChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	const page, path = "/admin/apps/hello/settings", "/admin/apps/hello/push"
	at := slices.IndexFunc(formsOf(parsePage(t, s.get(page).body)), func(f sentForm) bool { return f.action == path })
	form := formsOf(parsePage(t, s.get(page).body))[at]
	if got := s.change(http.MethodPatch, "/api/v1/apps/hello/push", `{"branch": "other"}`, ""); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	form.values.Set(formField, token)
	form.values.Set(fieldBranch, "mine")
	late := s.post(path, form.values)
	if late.StatusCode != http.StatusPreconditionFailed {
		t.Fatalf("%d", late.StatusCode)
	}
	entries := s.recorded(audit.ActionAppSettings)
	if last := entries[len(entries)-1]; last.Success || last.Detail != "refused: somebody changed it since it was shown" {
		t.Errorf("recorded %+v", last)
	}
	mustContain(t, late.body, "The last entry in the audit log is of token", "branch and folder of git push", `value="mine"`)
}
