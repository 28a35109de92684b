package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"berth/controller/app"
)

// resultForms are what is sent to each line of the table that a person's form goes to,
// apart from the archives: one form that is good, and more that are not. The test fails
// where a line has none.
var resultForms = map[string][]url.Values{
	"/logout":   {},
	"/theme":    {{"theme": {"dark"}, "next": {"/volumes"}}, {"theme": {"pink"}}},
	"/password": {{"old_password": {"x"}, "new_password": {"a"}, "repeat_password": {"b"}}, {"old_password": {"x"}, "new_password": {"Correct-Horse-8"}, "repeat_password": {"Correct-Horse-8"}}},

	"/settings/second-factor/begin":          {{"password": {"x"}}},
	"/settings/second-factor/confirm":        {{"code": {"123456"}}},
	"/settings/second-factor/disable":        {{"password": {"x"}, "code": {"1"}}},
	"/settings/second-factor/codes":          {{"password": {"x"}, "code": {"1"}}},
	"/settings/second-factor/codes/download": {{"recovery_code": {"x"}}},
	"/settings/second-factor/decline":        {{}},

	"/settings/sessions/end":        {{"session": {"x"}}},
	"/settings/sessions/end-others": {{}},

	"/settings/accounts":                               {{"name": {"jane"}}, {"name": {"No Name"}}},
	"/settings/accounts/:account/reset":                {{}},
	"/settings/accounts/:account/remove":               {{"confirm": {"grace"}}, {"confirm": {"other"}}},
	"/settings/accounts/:account/remove-second-factor": {{}},

	"/settings/domains/check":            {{"host": {"hello.apps.example.com"}}, {"host": {"-"}}},
	"/settings/domains/home":             {{"home": {""}}, {"home": {"nowhere"}}},
	"/settings/domains/redirects":        {{"from": {"a.example.com"}, "to": {"b.example.com"}, "kind": {"permanent"}}, {"from": {"-"}, "to": {"-"}}},
	"/settings/domains/redirects/remove": {{"from": {"a.example.com"}}, {"from": {"-"}}},

	"/settings/certificates/:host":            {{"source": {"own"}}, {"source": {"lots"}}},
	"/settings/certificates/:host/own":        {{"chain": {"x"}, "key": {"y"}}},
	"/settings/certificates/:host/own/remove": {{}},
	"/settings/certificates/:host/again":      {{}},
	"/settings/proxy": {
		{"authority": {"letsencrypt"}, "email": {"me@example.com"}, "dry_run": {"1"}, "challenge": {"http"}, "dashboard": {"local"}},
		{"authority": {"x"}, "email": {"no address"}},
	},

	"/checklist/check": {{}},
	"/checklist/probe": {{}},

	"/settings/alerts/channels":            {{"kind": {"ntfy"}, "name": {"phone"}, "address": {"https://ntfy.example.com"}, "recipient": {"berth"}}, {"kind": {"fax"}, "name": {""}}},
	"/settings/alerts/channels/:id":        {{"name": {"ops"}, "address": {"https://hooks.example.com"}, "secret": {"0123456789abcdef"}}, {"name": {""}, "address": {"x"}}},
	"/settings/alerts/channels/:id/test":   {{}},
	"/settings/alerts/channels/:id/remove": {{}},
	"/settings/alerts/rules":               {{"name": {"Disk"}, "watch": {"metric:disk_percent"}, "threshold": {"90"}, "for": {"5m"}}, {"name": {""}, "threshold": {"x"}}, {"quiet": {"25"}}},
	"/settings/alerts/rules/:id":           {{"name": {"Down"}, "watch": {"event:app.down"}}, {"for": {"x"}}},
	"/settings/alerts/rules/:id/remove":    {{}},

	"/settings/alerts/rules/:id/mute":   {{"for": {"8h"}}, {"for": {"long"}}, {"for": {"1h"}, "subject": {"app/none"}}},
	"/settings/alerts/rules/:id/unmute": {{}, {"subject": {"app/none"}}},
	"/settings/alerts/heartbeat":        {{"url": {"https://monitor.example.com/ping"}, "minutes": {"5"}}, {"url": {"ftp://x"}, "minutes": {"x"}, "method": {"PUT"}}},
	"/settings/alerts/heartbeat/test":   {{}},
	"/settings/alerts/heartbeat/remove": {{}},

	"/settings/backups": {
		{"folder": {"/nowhere/at/all"}, "recipients": {"age1x"}, "daily": {"7"}}, {"daily": {"x"}},
	},
	"/settings/backups/key":       {{}},
	"/settings/backups/now":       {{}},
	"/settings/backups/drill":     {{}},
	"/settings/limits":            {{"class": {"upload"}, "budget": {"3/1h"}}, {"class": {"upload"}, "budget": {"lots"}}, {"class": {"none"}}},
	"/settings/limits/clear":      {{"class": {"login"}, "subject": {"address 127.0.0.1"}}, {"class": {"none"}}},
	"/settings/disks":             {{"releases": {"3"}}, {"releases": {"x"}, "audit_days": {"1"}}},
	"/settings/disks/clean":       {{}},
	"/settings/audit/verify":      {{}},
	"/settings/tokens":            {{"name": {"ci"}, "scope": {"read"}, "days": {"1"}}, {"name": {"ci"}, "scope": {"x"}, "days": {"1"}}, {"name": {""}, "days": {"x"}, "from": {"x"}}},
	"/settings/tokens/:id/revoke": {{}},
	"/settings/keys": {
		{"name": {"ci"}, "ssh_key": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGIotSomtc0ZjAFjRD1nBAoeYQZZqvzLjSVdjWTVLvQe"}},
		{"name": {""}, "ssh_key": {"x"}},
		{"name": {"\x00"}, "ssh_key": {"-----BEGIN OPENSSH PRIVATE KEY-----"}},
	},
	"/settings/keys/:id/remove": {{}},

	"/settings/registries":              {{"registry": {"ghcr.io"}, "user": {"ann"}, "password": {"x"}}, {"registry": {"no host"}, "user": {"a:b"}}, {"registry": {"127.0.0.1:5000"}, "user": {"ann"}, "password": {"x"}}},
	"/settings/registries/:host/test":   {{}},
	"/settings/registries/:host/remove": {{}},

	"/admin/apps/:name/start":                 {{}, {"from": {"dashboard"}}},
	"/admin/apps/:name/stop":                  {{}, {"from": {"dashboard"}}},
	"/admin/apps/:name/restart":               {{}, {"from": {"dashboard"}}},
	"/admin/apps/:name/delete":                {{"confirm": {"hello"}}, {"confirm": {"other"}}},
	"/admin/apps/:name/rollback":              {{"release": {"1"}}, {"release": {"x"}}},
	"/admin/apps/:name/settings":              {{"memory": {"128"}, "cpu": {"50"}, "processes": {"100"}}, {"memory": {"lots"}}},
	"/admin/apps/:name/egress":                {{"egress": {"none"}}, {"egress": {"some"}, "egress_hosts": {"no host"}}},
	"/admin/apps/:name/move/end":              {{}},
	"/admin/apps/:name/duplicate":             {{"duplicate_name": {"again"}, "duplicate_route": {"/again"}}, {"duplicate_name": {"No"}, "duplicate_route": {"x y"}}},
	"/admin/apps/:name/rename":                {{"new_name": {"store"}}, {"new_name": {"No"}}},
	"/admin/apps/:name/labels":                {{"project": {"Shop"}, "tags": {"web eu"}}, {"project": {"<b>"}, "tags": {"-"}}},
	"/admin/apps/:name/push":                  {{"branch": {"main"}}, {"branch": {"no branch"}, "folder": {"../x"}}},
	"/admin/apps/:name/webhook":               {{"repository": {"https://git.example.com/ann/shop.git"}}, {"repository": {"http://x"}, "webhook_branch": {"no branch"}}},
	"/admin/apps/:name/webhook/renew":         {{}},
	"/admin/apps/:name/webhook/fetch":         {{}},
	"/admin/apps/:name/image-tag":             {{"tag_minutes": {"15"}}, {"tag_minutes": {"4"}}},
	"/admin/apps/:name/image-tag/check":       {{}},
	"/admin/apps/:name/image-tag/hook":        {{}},
	"/admin/apps/:name/image-tag/hook/remove": {{}},
	"/admin/apps/:name/backup-hook":           {{"backup_before": {""}}, {"backup_service": {"none"}, "backup_before": {"dump"}}},
	"/admin/apps/:name/egress/allow":          {{"egress_host": {"api.example.com:443"}}, {"egress_host": {"no host"}}},
	"/admin/apps/:name/environment":           {{"name": {"MODE"}, "value": {"one"}, "kind": {"variable"}}, {"name": {"no name"}}},
	"/admin/apps/:name/environment/import":    {{"text": {"A=1"}}, {"text": {"no line"}}},
	"/admin/apps/:name/environment/delete":    {{"name": {"MODE"}}, {"name": {"no name"}}},
	"/admin/apps/:name/environment/apply":     {{}},
	"/admin/apps/:name/mounts":                {{"volume": {"hello"}, "target": {"/data"}}, {"volume": {"No"}, "target": {"x"}}},
	"/admin/apps/:name/volumes":               {{"volume": {"fresh"}, "target": {"/data"}}, {"volume": {"No Name"}, "target": {"x"}}},
	"/admin/apps/:name/routes":                {{"route": {"new.example.org"}, "anyway": {"1"}}, {"route": {"%%"}}},
	"/admin/apps/:name/routes/remove":         {{"route": {"/hello"}}, {"route": {"%%"}}},
	"/admin/apps/:name/ports":                 {{"public_port": {"2222/tcp"}, "port_target": {"22"}}, {"public_port": {"80"}, "port_target": {"x"}}},
	"/admin/apps/:name/ports/remove":          {{"public_port": {"2222/tcp"}}, {"public_port": {"%%"}}},
	"/admin/apps/:name/routes/check":          {{"host": {"hello.example.com"}}, {"host": {"-"}}},
	"/admin/apps/:name/access":                {{"frame_options": {"DENY"}}, {"allow": {"nobody"}, "rate": {"x"}, "max_body": {"x"}}},
	"/admin/apps/:name/access/users":          {{"user": {"ann"}, "generate": {"1"}}, {"user": {"ann"}, "password": {"short"}}},
	"/admin/apps/:name/access/users/remove":   {{"user": {"ann"}}},
	"/admin/apps/:name/access/password":       {{"on": {"1"}}, {"on": {"0"}}},
	"/admin/apps/:name/access/maintenance":    {{"on": {"1"}, "text": {"Back soon."}}, {"on": {"x"}, "text": {strings.Repeat("x", 1<<15)}}},

	"/admin/apps/:name/releases/:number/cancel": {{}},
	"/admin/apps/:name/releases/:number/retry":  {{}, {"port": {"x"}}},

	"/volumes":                {{"name": {"fresh"}}, {"name": {"No Name"}, "description": {strings.Repeat("x", 1<<12)}}},
	"/volumes/:volume/quota":  {{"quota": {"20g"}}, {"quota": {"lots"}}},
	"/volumes/:volume/remove": {{}},
	"/volumes/:volume/delete": {{"confirm": {"other"}}, {"confirm": {"hello"}}},
}

// leadsElsewhere are the forms that lead to another page altogether, which has its own
// first field or is the first of a session.
var leadsElsewhere = map[string]bool{"/logout": true}

// goodElsewhere are the lines that a site of stand-ins answers with a refusal alone; their
// good answers are in TestResults_OfPeopleAreFocusedWithoutScript, and in the tests of
// volumes, routes and certificates, which ask where the answer leads.
var goodElsewhere = map[string]bool{
	"/password": true, "/settings/second-factor/begin": true, "/settings/second-factor/disable": true,
	"/settings/second-factor/codes": true, "/settings/second-factor/codes/download": true, "/settings/sessions/end": true,
	"/settings/accounts/:account/reset": true, "/settings/accounts/:account/remove": true,
	"/settings/accounts/:account/remove-second-factor": true, "/settings/domains/redirects/remove": true,
	"/settings/backups": true, "/settings/backups/now": true, "/settings/backups/drill": true, // in TestBackups_AreSetUpAndBegun
	"/settings/certificates/:host": true, "/settings/certificates/:host/own": true, "/settings/certificates/:host/own/remove": true,
	"/settings/registries/:host/test": true, // in TestRegistries_AreKeptTriedAndForgotten
	"/admin/apps/:name/move/end":      true, // in TestMove_IsShownOnThePageOfTheAppWithoutItsToken
	"/admin/apps/:name/webhook/renew": true, // in TestWebhook_ThePageShowsASecretOnce
	"/admin/apps/:name/webhook/fetch": true, // in TestWebhook_AFetchIsABeginningOfARelease
	"/admin/apps/:name/ports/remove":  true, "/admin/apps/:name/routes/remove": true, "/admin/apps/:name/routes/check": true, "/admin/apps/:name/access/users/remove": true,
	"/volumes/:volume/remove": true, "/volumes/:volume/delete": true,
	"/settings/alerts/rules/:id/unmute": true, // in TestMute_ShowsUntilWhenAndByWhomAndCanBeEnded
}

func TestResults_OfEveryFormAreFocusedWithoutScript(t *testing.T) {
	t.Parallel()
	lines := 0
	for _, r := range new(admin).routes() {
		if r.method != post || !r.access.session || r.form == inStream || leadsElsewhere[r.path] {
			continue
		}
		lines++
		forms := resultForms[r.path]
		if len(forms) == 0 {
			t.Errorf("nothing is sent to %s", r.path)
		}
		done := false
		for _, form := range forms {
			s := newWalkedSite(t)
			ended := aRelease("hello", 1, app.ReleaseFailed)
			s.apps.putRelease(ended)
			token := s.signIn()
			sent := url.Values{formField: {token}}
			for name, values := range form {
				sent[name] = values
			}
			answer := s.post(strings.Replace(concrete(r.path), ":account", "grace", 1), sent)
			done = s.focuses(r.path, form, answer) || done
		}
		if done == goodElsewhere[r.path] {
			t.Errorf("%s: was one of its forms good? %v", r.path, done)
		}
	}
	if lines < 45 {
		t.Errorf("only %d lines", lines)
	}
}

func TestResults_OfPeopleAreFocusedWithoutScript(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("grace")
	token := p.mustEnter("admin")
	send := func(path string, form url.Values) {
		t.Helper()
		form.Set(formField, token)
		if !p.focuses(path, form, p.post(path, form)) {
			t.Errorf("%s was refused", path)
		}
	}
	send("/settings/second-factor/begin", url.Values{"password": {peoplePassword}})
	phone, _ := p.enableFactor(token)
	token = p.formToken("/password")
	send("/settings/second-factor/codes", url.Values{"password": {peoplePassword}, "code": {p.phoneCode(phone, 1)}})
	token = p.formToken("/password")
	reset := p.post("/settings/accounts/grace/reset", url.Values{formField: {token}})
	p.focuses("reset", nil, reset)
	p.dismisses("/settings/accounts/grace/reset", reset)
	none := p.post("/settings/accounts/grace/remove-second-factor", url.Values{formField: {token}}) // there is none
	p.focuses("remove-second-factor", nil, none)
	send("/settings/accounts/grace/remove", url.Values{"confirm": {"grace"}})
	send("/password", url.Values{"old_password": {peoplePassword}, "new_password": {"Correct-Horse-8"}, "repeat_password": {"Correct-Horse-8"}})
}

func TestResults_OfArchivesAreFocusedWithoutScript(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/upload", "/admin/apps/hello/update", "/volumes/hello/upload"} {
		s := newWalkedSite(t)
		token := s.signIn()
		file := zipPart
		if strings.HasPrefix(path, "/volumes") {
			file.name = "file"
		}
		for _, parts := range [][]part{
			{{formField, token, ""}, {"name", "fresh", ""}, {"route", "/fresh", ""}, file},
			{{formField, token, ""}, {"name", "No Name", ""}, {"route", "/fresh", ""}},
			{{formField, token, ""}, {"check", "true", ""}, {"name", "other", ""}, {"route", "/other", ""}, file},
		} {
			if strings.HasPrefix(path, "/volumes") && len(parts) == 5 {
				continue
			}
			s.focuses(path, url.Values{}, s.upload(path, "", parts...))
		}
	}
}

// focuses checks that a browser goes to what the form came to: by the fragment of the
// redirect, which names something that takes the focus, or by autofocus in the page. It
// reports whether the form was good.
func (s *site) focuses(path string, form url.Values, answer answer) (good bool) {
	s.t.Helper()
	if answer.StatusCode == http.StatusSeeOther {
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || to.Fragment == "" {
			s.t.Errorf("%s %v: leads to %q, and to no place on it", path, form, answer.Header.Get("Location"))
			return true
		}
		page := s.get(to.RequestURI())
		if n := byID(parsePage(s.t, page.body), to.Fragment); n == nil || attribute(n, "tabindex") == "" {
			s.t.Errorf("%s %v: %s has no %q that takes the focus", path, form, to.Path, to.Fragment)
		}
		return true
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return answer.StatusCode == http.StatusOK // a download
	}
	first := firstFocused(parsePage(s.t, answer.body))
	switch {
	case first == nil:
		s.t.Errorf("%s %v: %d, and nothing on the page takes the focus", path, form, answer.StatusCode)
	case !takesFocus(first):
		s.t.Errorf("%s %v: %s cannot take the focus", path, form, first.Data)
	}
	return answer.StatusCode < http.StatusBadRequest
}

func byID(root *html.Node, id string) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
			return n
		}
	}
	return nil
}

func firstFocused(root *html.Node) *html.Node {
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "autofocus" {
				return n
			}
		}
	}
	return nil
}

func takesFocus(n *html.Node) bool {
	switch n.Data {
	case "input", "textarea", "select", "button":
		return attribute(n, "type") != "hidden"
	}
	return attribute(n, "tabindex") != ""
}

func TestResults_NoFormHasAFragmentThatWouldLeadAwayFromItsResult(t *testing.T) {
	t.Parallel()
	for _, page := range walk(t) {
		for n := range page.root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" && strings.Contains(attribute(n, "action"), "#") {
				t.Errorf("%s: a form goes to %s", page.path, attribute(n, "action"))
			}
		}
	}
}

// Every secret that is shown once has a way to dismiss it without script, which leads to
// a page that does not hold it.
func TestResults_SecretsShownOnceStayUntilALinkDismissesThem(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	token := s.signIn()
	for path, form := range map[string]url.Values{
		"/settings/tokens":               {"name": {"ci"}, "scope": {"read"}, "days": {"1"}},
		"/settings/accounts":             {"name": {"jane"}},
		"/admin/apps/hello/access/users": {"user": {"ann"}, "generate": {"1"}},
	} {
		form.Set(formField, token)
		s.dismisses(path, s.post(path, form))
	}
}

func (s *site) dismisses(path string, page answer) {
	s.t.Helper()
	var once *html.Node
	for n := range parsePage(s.t, page.body).Descendants() {
		for _, a := range n.Attr {
			if a.Key == "data-once" {
				once = n
			}
		}
	}
	if once == nil {
		s.t.Errorf("%s: %d without a secret: %.200s", path, page.StatusCode, page.body)
		return
	}
	secret, link := "", ""
	for n := range once.Descendants() {
		switch {
		case n.Type == html.ElementNode && attribute(n, "readonly") == "" && attribute(n, "id") == "fresh":
			secret = attribute(n, "value")
		case n.Type == html.ElementNode && n.Data == "code" && secret == "" && n.FirstChild != nil:
			secret = n.FirstChild.Data
		case n.Type == html.ElementNode && n.Data == "a":
			link = attribute(n, "href")
		}
	}
	if secret == "" || link == "" {
		s.t.Errorf("%s: the secret is %q, dismissed by %q", path, secret, link)
		return
	}
	if after := s.get(link); after.StatusCode != http.StatusOK || strings.Contains(after.body, secret) {
		s.t.Errorf("%s: dismissed at %s: %d, still there: %v", path, link, after.StatusCode, strings.Contains(after.body, secret))
	}
}
