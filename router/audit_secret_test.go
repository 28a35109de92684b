package router

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/certificates"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/webhook/inbox"
)

// Fields that take secrets, or what people mistake for the field of one.
var secretFields = map[string]bool{
	"password": true, "username": true, "old_password": true, "new_password": true, "repeat_password": true,
	"code": true, "secret": true, "token": true, fieldKeyText: true, remote.FieldToken: true, inbox.FieldStatusToken: true, formField: true, fieldValue: true, fieldEnvText: true,
	fieldCertKey: true, fieldChain: true, certificates.FieldDNSCredentials: true, certificates.FieldDashboardPass: true,
}

// fieldsOfAllForms are the names of the fields of every page.
func fieldsOfAllForms(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../templates/pages/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	layouts, err := filepath.Glob("../templates/layout/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, page := range append(pages, layouts...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(` name="([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			fields = append(fields, found[1])
		}
	}
	return append(fields, "memory", "cpu", "processes", "port")
}

// TestAudit_SecretsGetNowhere fills every field of every form with a marker, sends
// it to every route, and looks for the marker in all that is kept.
func TestAudit_SecretsGetNowhere(t *testing.T) {
	t.Parallel()
	const (
		password = "Right-Password-7"      // the operator's
		hidden   = "Marker-4711-Secret"    // in fields of secrets, in headers and cookies
		typed    = "marker-0815-ordinary!" // in all other fields: in the log at most
	)
	folder := t.TempDir()
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	logged := &logBuffer{}
	logger := slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hash, err := secret.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.CreateAccount(t.Context(), account.Account{Name: "admin", PasswordHash: hash, CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	log := audit.NewLog(audit.Options{
		Ledger: ledger, Key: bytes.Repeat([]byte("k"), 32), File: filepath.Join(folder, "audit.log"), Logger: logger,
	})
	tokens := account.NewTokens(ledger, logger)
	plain, err := tokens.MintToken(t.Context(), account.TokenOptions{Name: "ci", Scope: account.ScopeAdmin, TTL: account.MaxTokenTTL})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(o *Options) {
		o.Accounts, o.Tokens, o.Sessions = account.NewAccounts(ledger, "", logger), tokens, ledger
		o.Audit, o.Logger = log, logger
	})
	s.accounts.password = password
	s.anApp("hello")

	form := url.Values{}
	for _, field := range fieldsOfAllForms(t) {
		form.Set(field, typed)
		if secretFields[field] {
			form.Set(field, hidden)
		}
	}
	send := func(r route, path, bearer string) {
		request := s.request(r.method, path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if bearer != "" {
			request.Header.Set("Authorization", "Bearer "+bearer)
		}
		s.do(request)
	}
	formToken := s.signIn()
	for _, r := range new(admin).routes() {
		if r.stream || strings.Contains(r.path, "*") || r.path == "/logout" {
			continue
		}
		form.Set(formField, hidden)
		send(r, concrete(r.path), "")
		send(r, concrete(r.path)+"?password="+hidden, hidden)
		send(r, concrete(r.path), plain)
		send(r, strings.NewReplacer(":name", typed, ":number", typed).Replace(r.path), plain)
		form.Set(formField, formToken)
		send(r, concrete(r.path), "")
	}
	s.client = s.browser() // with cookies that nobody gave it
	for _, name := range []string{"__Host-berth", "berth", "session"} {
		request := s.request(http.MethodGet, "/admin", nil)
		request.AddCookie(&http.Cookie{Name: name, Value: hidden})
		request.SetBasicAuth("admin", hidden)
		s.do(request)
	}

	entries, err := log.List(t.Context(), audit.Filter{}, audit.Page{Limit: 1000})
	if err != nil || len(entries) < 50 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, entry := range entries {
		if strings.Contains(string(entry.Line()), typed) {
			t.Errorf("what was typed is in %s", entry.Line())
		}
	}
	kept := map[string]string{"program log": logged.String()}
	for _, name := range []string{"berth.db", "berth.db-wal", "audit.log"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = string(text)
	}
	for name, text := range kept {
		for _, marker := range []string{hidden, password, plain, formToken} {
			if at := strings.Index(text, marker); at >= 0 {
				t.Errorf("%s holds the secret %s: %q", name, marker, text[max(0, at-200):at+len(marker)])
			}
		}
	}
}
