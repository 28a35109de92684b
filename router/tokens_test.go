package router

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/audit"
)

// send posts a form of a session that stays.
func (e *envelope) send(path string, as func(*http.Request), form url.Values) *httptest.ResponseRecorder {
	e.t.Helper()
	return e.ask(http.MethodPost, path, func(r *http.Request) {
		as(r)
		cookie, err := r.Cookie("__Host-berth")
		if err != nil {
			e.t.Fatal(err)
		}
		form.Set(formField, e.admin.formTokenFor(cookie.Value))
		filled := httptest.NewRequestWithContext(r.Context(), http.MethodPost, r.URL.String(), strings.NewReader(form.Encode()))
		r.Body, r.ContentLength = filled.Body, filled.ContentLength
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// made is the token on a page that shows one.
func made(t *testing.T, page string) string {
	t.Helper()
	_, after, found := strings.Cut(page, `value="berth_`)
	plain, _, closed := strings.Cut(after, `"`)
	if !found || !closed || len(plain) != 43 {
		t.Fatalf("no token on the page: %.2000s", page)
	}
	return "berth_" + plain
}

func tokenWishForm() url.Values {
	return url.Values{"name": {"CI of shop"}, "scope": {"read"}, "days": {"30"}, "from": {"10.0.0.0/8"}}
}

func TestTokens_IsShownOnceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	as := e.asAccount(e.account("ada", false))
	answer := e.send("/settings/tokens", as, tokenWishForm())
	plain := made(t, answer.Body.String())
	if answer.Code != http.StatusOK || answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d, Cache-Control %q", answer.Code, answer.Header().Get("Cache-Control"))
	}
	if used := e.ask(http.MethodGet, "/api/v1/apps", asBearer(plain)); used.Code != http.StatusOK {
		t.Errorf("the token opens nothing: %d", used.Code)
	}
	page := e.ask(http.MethodGet, "/settings/tokens", as).Body.String()
	mustContain(t, page, "CI of shop", "read", "by ada", "10.0.0.0/8", "active", "from 10.0.0.2")
	if strings.Contains(page, strings.TrimPrefix(plain, "berth_")) {
		t.Error("the token is shown again")
	}
	files, err := filepath.Glob(filepath.Join(e.folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), strings.TrimPrefix(plain, "berth_")) {
			t.Errorf("%s holds the token, or %v", filepath.Base(file), err)
		}
	}
	events := e.audit.recorded()
	last := events[len(events)-1]
	if last.Action != audit.ActionTokenCreate || !last.Success || last.Resource != "token CI of shop" ||
		last.Account != "ada" || last.Detail != "scope read, holds for 30 days, from 10.0.0.0/8" {
		t.Errorf("recorded %+v", last)
	}
}

func TestTokens_RevokedOneIsRefusedAtOnceAlsoByAnOpenLog(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	as := e.asAccount(e.account("ada", false))
	plain := made(t, e.send("/settings/tokens", as, tokenWishForm()).Body.String())
	id := app.ReleaseID{App: "hello", Number: 3}
	e.apps.putRelease(aRelease("hello", 3, app.ReleaseBuilding))
	e.apps.appendLog(id, "one\n")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://berth.localhost/api/v1/apps/hello/releases/3/log?follow=1", nil)
		r.RemoteAddr = "10.1.2.3:4000"
		asBearer(plain)(r)
		e.handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	answer := e.send("/settings/tokens/1/revoke", as, url.Values{})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/settings/tokens#notice" {
		t.Fatalf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
	if used := e.ask(http.MethodGet, "/api/v1/apps", asBearer(plain)); used.Code != http.StatusUnauthorized {
		t.Errorf("status %d", used.Code)
	}
	e.apps.appendLog(id, "two\n")
	<-ended
	if ctx.Err() != nil {
		t.Error("the log went on")
	}
	mustContain(t, e.ask(http.MethodGet, "/settings/tokens", as).Body.String(), `badge bad">revoked`)
	if missing := e.send("/settings/tokens/99/revoke", as, url.Values{}); missing.Code != http.StatusNotFound {
		t.Errorf("one that is not there: %d", missing.Code)
	}
}

func TestTokens_WrongFieldsAreSaidBesideThemAndTheFormKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	as := e.asAccount(e.account("ada", false))
	form := url.Values{"name": {"\x1b[31m"}, "scope": {"root"}, "days": {"900"}, "from": {"10.0.0.5/8"}}
	answer := e.send("/settings/tokens", as, form)
	if answer.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.Code)
	}
	mustContain(t, answer.Body.String(), `id="token-name-problem"`, `id="token-scope-problem"`, `id="token-days-problem"`,
		`id="token-from-problem"`, `value="900"`, `value="10.0.0.5/8"`, "Write 10.0.0.0/8 for the network")
	if tokens, err := e.tokens.List(t.Context()); err != nil || len(tokens) != 0 {
		t.Errorf("made %v, %v", tokens, err)
	}
}

func TestTokens_NoTokenMakesAnother(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	plain, _ := e.mint(account.ScopeAdmin, time.Hour, "")
	for _, path := range []string{"/settings/tokens", "/settings/tokens/1/revoke"} {
		if answer := e.ask(http.MethodPost, path, asBearer(plain)); answer.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}
