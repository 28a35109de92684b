package router

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/traefik"
)

const routesOfHello = "/admin/apps/hello/routes"

func routeForms(token, route string, more ...string) url.Values {
	form := url.Values{"csrf_token": {token}, "route": {route}}
	for _, field := range more {
		form.Set(field, "1")
	}
	return form
}

// has lists the routes that the ledger has for an app.
func (f *fakeRouting) has(t *testing.T, app app.Name) []string {
	t.Helper()
	found, err := f.ledger.FindApp(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, route := range found.Routes {
		texts = append(texts, route.String())
	}
	return texts
}

func TestRoutesOfApp_AddChangeAndRemove(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	mustContain(t, s.get(routesOfHello).body, "/hello", "hello.apps.example.com", "by its name", "An app has at least one route")

	answer := s.post(routesOfHello, routeForms(token, " Bücher.example "))
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != routesOfHello+"#notice" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	page := s.get(routesOfHello).body
	mustContain(t, page, "bücher.example (xn--bcher-kva.example)", "is added and live.", `<span class="badge good">live</span>`)
	if !slices.Contains(s.routing.checked, traefik.Host("xn--bcher-kva.example")) {
		t.Errorf("checked %q", s.routing.checked)
	}

	mustContain(t, s.get(routesOfHello+"?old=/hello").body, "Change /hello", `name="old" value="/hello"`)
	change := routeForms(token, "/hallo")
	change.Set("old", "/hello")
	if answer := s.post(routesOfHello, change); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	if has := s.routing.has(t, "hello"); !slices.Equal(has, []string{"/hallo", "xn--bcher-kva.example"}) {
		t.Errorf("the app has %q", has)
	}
	if answer := s.post(routesOfHello+"/remove", url.Values{"csrf_token": {token}, "old": {"/hallo"}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	last := s.post(routesOfHello+"/remove", url.Values{"csrf_token": {token}, "old": {"xn--bcher-kva.example"}})
	if last.StatusCode != http.StatusConflict {
		t.Errorf("the last route: %d", last.StatusCode)
	}
	mustContain(t, last.body, "It is the only route of hello")
}

func TestRoutesOfApp_WarningsAreShownAndDoNotForbid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.routing.findings = []domaincheck.Finding{
		{About: domaincheck.AboutDNS, Outcome: domaincheck.Bad, Message: "app.example.com points to 203.0.113.9, this server is 198.51.100.7.", Hint: "Change the A record."},
		{About: domaincheck.AboutCAA, Outcome: domaincheck.Good, Message: "No CAA record forbids it."},
	}
	answer := s.post(routesOfHello, routeForms(token, "app.example.com"))
	if answer.StatusCode != http.StatusConflict {
		t.Fatalf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "points to 203.0.113.9, this server is 198.51.100.7", `name="anyway"`, `value="app.example.com"`)
	if strings.Contains(answer.body, "No CAA record") || slices.Contains(s.routing.has(t, "hello"), "app.example.com") {
		t.Error("it was added, or shows what is well")
	}
	if answer := s.post(routesOfHello, routeForms(token, "app.example.com", "anyway")); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	mustContain(t, s.get(routesOfHello).body, "needs attention", "Change the A record.")
}

func TestRoutesOfApp_ATakenOneNamesItsAppAndIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	other := s.anApp("other")
	other.Routes = append(other.Routes, traefik.Route{Host: "shop.example.com", Path: "/"})
	s.apps.put(other)
	token := s.signIn()
	s.routing.findings = []domaincheck.Finding{{About: domaincheck.AboutDNS, Outcome: domaincheck.Bad, Message: "It points elsewhere."}}
	answer := s.post(routesOfHello, routeForms(token, "shop.example.com"))
	if answer.StatusCode != http.StatusConflict {
		t.Fatalf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "The app other answers at shop.example.com already.", "Take it over from other", `name="take_over"`)
	if answer := s.post(routesOfHello, routeForms(token, "shop.example.com", "take_over")); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.400s", answer.StatusCode, answer.body)
	}
	if has := s.routing.has(t, "hello"); !slices.Contains(has, "shop.example.com") || slices.Contains(s.routing.has(t, "other"), "shop.example.com") {
		t.Errorf("hello has %q", has)
	}
	only := s.post(routesOfHello, routeForms(token, "/other", "take_over"))
	if only.StatusCode != http.StatusConflict {
		t.Errorf("the only route of another: %d", only.StatusCode)
	}
	mustContain(t, only.body, "It is the only route of other")
}

func TestRoutesOfApp_LeadToAServiceAndBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	mustContain(t, s.get(routesOfHello).body, `name="service"`, `<option value="api">api</option>`)
	form := routeForms(token, "/api")
	form.Set("service", "api")
	form.Set("port", "9100")
	if answer := s.post(routesOfHello, form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.400s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get(routesOfHello).body, "leads to api, port 9100")
	mustContain(t, s.get(routesOfHello+"?old=/api").body, `<option value="api" selected>`, `value="9100"`)
	form.Set("old", "/api")
	form.Set("service", "")
	form.Set("port", "")
	if answer := s.post(routesOfHello, form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.400s", answer.StatusCode, answer.body)
	}
	page := s.get(routesOfHello).body
	mustContain(t, page, "/api leads to the main service and live.")
	if strings.Contains(page, "port 9100") {
		t.Error("it still leads there")
	}
	for field, value := range map[string]string{"service": "other", "port": "0"} {
		wrong := routeForms(token, "/x")
		wrong.Set(field, value)
		if answer := s.post(routesOfHello, wrong); answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s %s: %d", field, value, answer.StatusCode)
		}
	}
}

func TestAPI_RouteLeadsToAService(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	path := "/api/v1/apps/hello/routes"
	added := s.bearer(deployToken, http.MethodPost, path, `{"route": "/api", "service": "api", "port": 9100}`)
	if added.StatusCode != http.StatusCreated {
		t.Fatalf("%d: %s", added.StatusCode, added.body)
	}
	mustContain(t, added.body, `"service":"api"`, `"port":9100`)
	// Who says nothing of it leaves it where it leads.
	mustContain(t, s.bearer(deployToken, http.MethodPost, path+"/change", `{"route": "/api", "to": "/v2"}`).body, `"route":"/v2"`, `"service":"api"`)
	mustContain(t, s.bearer(deployToken, http.MethodPost, path+"/change", `{"route": "/v2", "port": 9200}`).body, `"port":9200`)
	if wrong := s.bearer(deployToken, http.MethodPost, path, `{"route": "/x", "service": "../api"}`); wrong.StatusCode != http.StatusConflict {
		t.Errorf("%d: %s", wrong.StatusCode, wrong.body)
	}
}

func TestRoutesOfApp_AWildcardIsCheckedAndShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	if answer := s.post(routesOfHello, routeForms(token, "*.example.net")); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.400s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get(routesOfHello).body, `//www.example.net`, "*.example.net")
	if answer := s.post(routesOfHello+"/check", url.Values{"csrf_token": {token}, "host": {"*.example.net"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the check: %d: %.400s", answer.StatusCode, answer.body)
	}
	for _, typed := range []string{"*.example.com", "*.berth.example.com", "*.apps.example.com"} {
		if answer := s.post(routesOfHello, routeForms(token, typed)); answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %d", typed, answer.StatusCode)
		}
	}
}

func TestRoutesOfApp_RefusesAttacksBesideTheField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, c := range []struct{ typed, reason string }{
		{"a`) || Host(`b", "read as part of a rule"},
		{`{{ env "PATH" }}`, "read as part of a rule"},
		{"*.com", "wildcard"},
		{"berth.example.com", "is Berth&#39;s own"},
		{"bérth.example.com", "looks like berth.example.com"},
		{"app.corp.internal", "names inside of a network"},
		{"other.apps.example.com", "is kept for the app that is called other"},
		{"hello.apps.example.com", "by its name already"},
		{"/admin", "is reserved"},
		{"", "There is nothing here"},
		{"<script>alert(1)</script>", "The "},
	} {
		answer := s.post(routesOfHello, routeForms(token, c.typed, "anyway", "take_over"))
		if answer.StatusCode != http.StatusUnprocessableEntity && answer.StatusCode != http.StatusConflict {
			t.Errorf("%q: status %d", c.typed, answer.StatusCode)
		}
		if !strings.Contains(answer.body, c.reason) || strings.Contains(answer.body, "<script>alert") {
			t.Errorf("%q: the page does not say %q", c.typed, c.reason)
		}
	}
	if has := s.routing.has(t, "hello"); !slices.Equal(has, []string{"/hello"}) {
		t.Errorf("the app has %q", has)
	}
}

func TestRoutesOfApp_CheckAsksOnlyAboutHostsOfOurs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for path, host := range map[string]string{routesOfHello + "/check": "169.254.169.254", hostsPath + "/check": "metadata.example.com"} {
		if answer := s.post(path, url.Values{"csrf_token": {token}, "host": {host}}); answer.StatusCode < 400 {
			t.Errorf("%s of %s: %d", path, host, answer.StatusCode)
		}
	}
	if len(s.routing.checked) != 0 {
		t.Errorf("asked about %q", s.routing.checked)
	}
	if answer := s.post(hostsPath+"/check", url.Values{"csrf_token": {token}, "host": {"hello.apps.example.com"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestRoutesOfApp_API(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	path := "/api/v1/apps/hello/routes"
	answer := s.bearer(deployToken, http.MethodPost, path, `{"route": "app.example.com"}`)
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, answer.body, `"route":"app.example.com"`, `"state":"live"`, `"derived":true`)
	answer = s.bearer(deployToken, http.MethodPost, path+"/change", `{"route": "app.example.com", "to": "shop.example.com"}`)
	if answer.StatusCode != http.StatusOK || strings.Contains(answer.body, `"app.example.com"`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	answer = s.bearer(deployToken, http.MethodPost, path+"/remove", `{"route": "/hello"}`)
	if answer.StatusCode != http.StatusOK || strings.Contains(answer.body, `"/hello"`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPost, path+"/remove", `{"route": "shop.example.com"}`); answer.StatusCode != http.StatusConflict {
		t.Errorf("the last one: %d", answer.StatusCode)
	}
	if answer := s.bearer(readToken, http.MethodGet, path, ""); answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestDomains_RedirectsAndHome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	redirect := func(from, to string) answer {
		return s.post(hostsPath+"/redirects", url.Values{"csrf_token": {token}, "from": {from}, "to": {to}, "kind": {"permanent"}})
	}
	if answer := redirect("www.example.com", "example.com"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get(hostsPath).body, "redirects to example.com", "hello.apps.example.com", "www.example.com redirects to example.com.")
	for _, c := range [][3]string{
		{"example.com", "www.example.com", "would lead back"},
		{"www.example.com", "other.example.com", "redirects already"},
		{"hello.apps.example.com", "example.com", "The app hello answers at hello.apps.example.com."},
		{"*.example.com", "example.com", "wildcard"},
		{"a.example.com", "http://b", "The host"},
		{"berth.example.com", "example.com", "is Berth&#39;s own"},
	} {
		answer := redirect(c[0], c[1])
		if answer.StatusCode < 400 || answer.StatusCode >= 500 || !strings.Contains(answer.body, c[2]) {
			t.Errorf("%s to %s: %d, want %q", c[0], c[1], answer.StatusCode, c[2])
		}
	}
	taken := s.post(routesOfHello, routeForms(token, "www.example.com/a", "anyway"))
	mustContain(t, taken.body, "The host redirects to another one.")

	if answer := s.post(hostsPath+"/home", url.Values{"csrf_token": {token}, "home": {"/hello"}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get(hostsPath).body, `<option selected>/hello</option>`)
	if answer := s.post(hostsPath+"/home", url.Values{"csrf_token": {token}, "home": {"/nobody"}}); answer.StatusCode != http.StatusConflict {
		t.Errorf("a home that nobody has: %d", answer.StatusCode)
	}
	if answer := s.post(hostsPath+"/redirects/remove", url.Values{"csrf_token": {token}, "from": {"www.example.com"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", answer.StatusCode)
	}
	if answer := s.post(hostsPath+"/redirects/remove", url.Values{"csrf_token": {token}, "from": {"www.example.com"}}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", answer.StatusCode)
	}
}
