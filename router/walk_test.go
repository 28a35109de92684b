package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"berth/controller/app"
)

// walked is a page that the table serves.
type walked struct {
	path string
	root *html.Node
}

// newWalkedSite makes a site with something on each page.
func newWalkedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.anApp("hello")
	s.metrics.measure("hello")
	stopped := s.anApp("idle")
	stopped.Observed.State, stopped.Wanted = app.Stopped, app.WantedStopped
	s.apps.put(stopped)
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseBuilding))
	s.volumes.volume(t, "hello")
	s.volumes.mountedBy(t, "hello", "hello")
	s.aKey()
	return s
}

// walkedPaths are the addresses of every page that a session opens, and of a page
// of each kind of refusal.
func walkedPaths() []string {
	var paths []string
	for _, r := range new(admin).routes() {
		if r.method == get && r.access.session && !r.stream && !strings.Contains(r.path, "*") {
			paths = append(paths, concrete(r.path))
		}
	}
	return append(paths, "/admin/apps/idle", "/admin/apps/hello/releases/2", "/admin/apps/hello/releases/3", "/admin/apps/hello/releases/2/diff", "/nothing", "/admin/apps/missing", "/admin/apps/Hello")
}

// walk reads every page of the table, with something on each, and a page of each
// kind of refusal.
func walk(t *testing.T) []walked {
	t.Helper()
	s := newWalkedSite(t)
	pages := []walked{s.walkTo("/login")}
	token := s.signIn()
	for _, path := range walkedPaths() {
		pages = append(pages, s.walkTo(path))
	}
	wrong := url.Values{formField: {token}, "confirm": {"other"}, "days": {"x"}}
	for _, path := range []string{"/admin/apps/hello/delete", "/settings/tokens", "/password"} {
		pages = append(pages, walked{"POST " + path, parsePage(t, s.post(path, wrong).body)})
	}
	for _, path := range []string{"/upload", "/admin/apps/hello/update"} {
		page, _ := s.check(path, token)
		pages = append(pages, walked{"a check at " + path, parsePage(t, page.body)})
	}
	made := url.Values{formField: {token}, "name": {"ci"}, "scope": {"read"}, "days": {"1"}}
	return append(pages, walked{"a new token", parsePage(t, s.post("/settings/tokens", made).body)})
}

func (s *site) walkTo(path string) walked {
	s.t.Helper()
	answer := s.get(path)
	if answer.StatusCode >= 500 {
		s.t.Errorf("GET %s: %d", path, answer.StatusCode)
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return walked{path: path, root: &html.Node{}} // a redirect or a download
	}
	return walked{path, parsePage(s.t, answer.body)}
}

func parsePage(t testing.TB, text string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestWalk_EveryFormThatPostsCarriesTheTokenFirst(t *testing.T) {
	t.Parallel()
	forms := 0
	for _, page := range walk(t) {
		for form := range page.root.Descendants() {
			if form.Type != html.ElementNode || form.Data != "form" || !strings.EqualFold(attribute(form, "method"), "post") {
				continue
			}
			forms++
			first := firstControl(form)
			if first == nil || attribute(first, "name") != formField || attribute(first, "type") != "hidden" || attribute(first, "value") == "" {
				t.Errorf("%s: the form to %q does not begin with its token", page.path, attribute(form, "action"))
			}
			if to := attribute(form, "action"); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
				t.Errorf("%s: a form posts to %q", page.path, to)
			}
		}
	}
	if forms < 20 {
		t.Errorf("found only %d forms: does the walk still reach the pages?", forms)
	}
}

func firstControl(form *html.Node) *html.Node {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "input" || n.Data == "select" || n.Data == "textarea" || n.Data == "button") {
			return n
		}
	}
	return nil
}

// TestWalk_NoPageNeedsMoreThanItsPolicyAllows finds what the policy would block: a
// browser says so in its console alone.
func TestWalk_NoPageNeedsMoreThanItsPolicyAllows(t *testing.T) {
	t.Parallel()
	for _, page := range walk(t) {
		for n := range page.root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "iframe" || n.Data == "object" || n.Data == "embed" || n.Data == "base" || n.Data == "script" && attribute(n, "src") == "" {
				t.Errorf("%s: there is a <%s>", page.path, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", page.path, n.Data, a.Key, a.Val)
				}
				if (a.Key == "src" || n.Data == "link" && a.Key == "href") && !strings.HasPrefix(a.Val, "/static/") {
					t.Errorf("%s: <%s> loads %q", page.path, n.Data, a.Val)
				}
			}
		}
	}
}

// TestWalk_NothingIsChangedByAnotherSite sends what a page elsewhere can make a
// browser send, with the best of rights.
func TestWalk_NothingIsChangedByAnotherSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, r := range new(admin).routes() {
		if r.method == get && !r.stream {
			continue
		}
		for name, header := range map[string][2]string{
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
			"foreign origin": {"Origin", "https://attacker.example"}, "null origin": {"Origin", "null"},
			"other port": {"Origin", "https://127.0.0.1:1"},
		} {
			form := url.Values{formField: {token}, "confirm": {"hello"}, "release": {"1"}, "password": {s.accounts.password}}
			request := s.request(r.method, concrete(r.path), strings.NewReader(form.Encode()))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set(header[0], header[1])
			if !r.access.session && !r.access.public {
				request.Header.Set("Authorization", "Bearer "+adminToken)
			}
			if answer := s.do(request); answer.StatusCode != http.StatusForbidden || !strings.Contains(answer.body, "another site") {
				t.Errorf("%s %s from %s: %d", r.method, r.path, name, answer.StatusCode)
			}
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestWalk_NothingIsChangedBySessionWithoutTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for _, r := range new(admin).routes() {
		if r.method == get || r.form == noSession || r.form == signedBody || !r.access.session && !r.access.public {
			continue
		}
		var answers []answer
		for _, token := range []string{"", "wrong", strings.Repeat("A", 43)} {
			if r.form == inStream {
				answers = append(answers,
					s.upload(concrete(r.path), "", part{formField, token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart),
					s.upload(concrete(r.path), "", part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart))
				continue
			}
			answers = append(answers, s.post(concrete(r.path)+"?"+formField+"="+token, url.Values{formField: {token}, "confirm": {"hello"}}))
		}
		for _, answer := range answers {
			// Where guesses are counted, the count may come first.
			if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests {
				t.Errorf("%s %s: %d", r.method, r.path, answer.StatusCode)
			}
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}
