package router

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"berth/controller/audit"
	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/registries/registriestest"
)

// memoryLogins keep the logins of real registries in memory: every site has some.
type memoryLogins struct {
	mu   sync.Mutex
	kept map[string]registries.Login
}

func newMemoryLogins() *memoryLogins { return &memoryLogins{kept: map[string]registries.Login{}} }

func (m *memoryLogins) ListRegistryLogins(context.Context) ([]registries.Login, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.kept)), nil
}

func (m *memoryLogins) FindRegistryLogin(_ context.Context, host string) (registries.Login, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.kept[host]
	if !ok {
		return registries.Login{}, problem.ErrNotFound
	}
	return found, nil
}

func (m *memoryLogins) SaveRegistryLogin(_ context.Context, login registries.Login) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[login.Host] = login
	return nil
}

func (m *memoryLogins) DeleteRegistryLogin(_ context.Context, host string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.kept[host]; !ok {
		return problem.ErrNotFound
	}
	delete(m.kept, host)
	return nil
}

// newRegistries are real ones that reach no network, with a login for hello.example.com.
func newRegistries(t testing.TB) registries.Registries {
	t.Helper()
	made := registries.Registries{Ledger: newMemoryLogins(), Key: aSecretKey(t), Dial: func(bool) registries.Dial {
		return func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }
	}}
	if _, err := made.Save(t.Context(), registries.Wish{Host: "hello.example.com", User: "ann", Password: "canary-of-a-registry"}); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestRegistries_AreKeptTriedAndForgotten(t *testing.T) {
	t.Parallel()
	host := registriestest.New(t)
	host.Asks(registriestest.Basic, true)
	s := newSite(t, func(o *Options) { o.Registries = host.Registries(t, freshLedger(t)) })
	token := s.signIn()
	mustContain(t, s.get(registriesPath).body, "There is no login yet.")
	send := func(path string, form url.Values) answer {
		t.Helper()
		form.Set(formField, token)
		return s.post(registriesPath+path, form)
	}
	login := url.Values{"registry": {host.Name()}, "user": {registriestest.User}, "password": {registriestest.Password}}
	if got := send("", login); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	page := s.get(registriesPath).body
	mustContain(t, page, host.Name(), registriestest.User, "Sign in once")
	of := "/" + url.PathEscape(host.Name())
	if got := send(of+"/test", url.Values{}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	mustContain(t, s.get(registriesPath).body, "takes the login")
	send("", url.Values{"registry": {host.Name()}, "user": {registriestest.User}, "password": {"canary-of-the-registry-2"}})
	refused := send(of+"/test", url.Values{})
	if refused.StatusCode != http.StatusForbidden {
		t.Errorf("%d", refused.StatusCode)
	}
	mustContain(t, refused.body, "refuses the login")
	wrong := send("", url.Values{"registry": {"169.254.169.254"}, "user": {"typed-here"}, "password": {"canary-of-the-registry-3"}})
	mustContain(t, wrong.body, "BERTH_REGISTRIES", "typed-here")
	listed := s.bearer(adminToken, http.MethodGet, "/api/v1/registries", "")
	mustContain(t, listed.body, host.Name(), `"user":"`+registriestest.User+`"`)
	for name, body := range map[string]string{"page": page, "refusal": refused.body, "wrong": wrong.body, "list": listed.body} {
		if strings.Contains(body, "canary") {
			t.Errorf("%s: the password is shown", name)
		}
	}
	if got := send(of+"/remove", url.Values{}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", got.StatusCode)
	}
	if got := send(of+"/remove", url.Values{}); got.StatusCode != http.StatusNotFound {
		t.Errorf("a second time: %d", got.StatusCode)
	}
	if entries := s.recorded(audit.ActionRegistryChange); len(entries) < 4 || entries[0].Resource != "registry "+host.Name() || strings.Contains(entries[0].Detail, "canary") {
		t.Errorf("recorded %+v", entries)
	}
}
