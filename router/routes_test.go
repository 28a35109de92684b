package router

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"berth/controller/account"
)

// concrete fills the parameters of a path.
func concrete(path string) string {
	return strings.NewReplacer(":name", "hello", ":repository", "hello.git", ":number", "1", ":id", "1", "*file", "nothing.css", ":volume", "hello", "*path", "a.txt", ":host", "hello.example.com", ":guide", "https").Replace(path)
}

func TestRoutes_AnonymousGetsNothingThatIsNotPublic(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	view.Observed.Detail = "a private detail"
	s.apps.put(view)
	for _, r := range new(admin).routes() {
		if r.access.public {
			continue
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			answer := s.do(s.request(r.method, concrete(r.path), nil))
			toLogin := answer.StatusCode == http.StatusSeeOther && strings.HasPrefix(answer.Header.Get("Location"), "/login")
			if answer.StatusCode != http.StatusUnauthorized && !toLogin {
				t.Errorf("status %d, Location %q", answer.StatusCode, answer.Header.Get("Location"))
			}
			if strings.Contains(answer.body, "private") || strings.Contains(answer.body, "sha256") {
				t.Errorf("the answer tells something: %s", answer.body)
			}
		})
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("anonymous requests reached the controller: %q", calls)
	}
}

func TestRoutes_PublicOnesAreExactlyThese(t *testing.T) {
	t.Parallel()
	var found []string
	for _, r := range new(admin).routes() {
		if r.access.public {
			found = append(found, r.method+" "+r.path)
		}
	}
	wanted := []string{"GET /healthz", "GET /static/*file", "POST /hooks/:id", "POST /hooks/images/:id", "GET /login", "POST /login", "GET /login/code", "POST /login/code", "POST /api/v1/login"}
	if !slices.Equal(found, wanted) {
		t.Errorf("public routes are %q, want %q", found, wanted)
	}
}

func TestRoutes_NoEntryNoRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	engine, ok := s.server.Config.Handler.(*gin.Engine)
	if !ok {
		t.Fatal("the handler is not the engine")
	}
	var wanted, found []string
	for _, r := range new(admin).routes() {
		wanted = append(wanted, r.method+" "+r.path)
	}
	for _, r := range engine.Routes() {
		found = append(found, r.Method+" "+r.Path)
	}
	slices.Sort(wanted)
	slices.Sort(found)
	if !slices.Equal(found, wanted) {
		t.Errorf("the engine serves %q, the table says %q", found, wanted)
	}
	for _, path := range []string{"/debug/pprof/", "/admin/", "/metrics/", "/api/v2/apps", "/admin/apps"} {
		if answer := s.get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, answer.StatusCode)
		}
	}
}

func TestRoutes_EntryWithoutAccessLetsNobodyIn(t *testing.T) {
	t.Parallel()
	var nobody access
	if nobody.public || nobody.session || nobody.scope.Allows(account.ScopeRead) {
		t.Error("the zero access lets somebody in")
	}
	for _, r := range new(admin).routes() {
		if r.access == nobody || r.handle == nil {
			t.Errorf("%s %s has no access or no handler", r.method, r.path)
		}
	}
}

func TestRoutes_BearerIsJudgedByScopeOnEveryRoute(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	scopes := map[string]account.Scope{metricsToken: account.ScopeMetrics, readToken: account.ScopeRead, deployToken: account.ScopeDeploy, adminToken: account.ScopeAdmin}
	for _, r := range new(admin).routes() {
		if r.access.public {
			continue
		}
		for token, scope := range scopes {
			request := s.request(r.method, concrete(r.path), nil)
			request.Header.Set("Authorization", "Bearer "+token)
			answer := s.do(request)
			refused := answer.StatusCode == http.StatusForbidden
			if allowed := r.access.scope != "" && scope.Allows(r.access.scope); allowed == refused {
				t.Errorf("%s %s with scope %s: %d", r.method, r.path, scope, answer.StatusCode)
			}
		}
	}
}

func TestRoutes_SessionOpensNoAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	if answer := s.get("/api/v1/apps"); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestRoutes_UnknownTokenIsUnauthorized(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.request(http.MethodGet, "/api/v1/apps", nil)
	r.Header.Set("Authorization", "Bearer nonsense")
	answer := s.do(r)
	if answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("status %d, header %q", answer.StatusCode, answer.Header.Get("WWW-Authenticate"))
	}
}

func TestRoutes_OneTimePasswordLeadsEveryPageToItsChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.accounts.account.MustChange = true
	s.signIn()
	for _, r := range new(admin).routes() {
		if !r.access.session || r.path == "/password" || r.path == "/logout" {
			continue
		}
		answer := s.do(s.request(r.method, concrete(r.path), nil))
		if r.stream {
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d", r.path, answer.StatusCode)
			}
			continue
		}
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/password" {
			t.Errorf("%s %s: %d to %q", r.method, r.path, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}
