package router

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/release"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
	"berth/traefik"
)

// hiddenValue is a secret that is looked for everywhere.
const hiddenValue = "Hidden-4711-Value"

// imagesOnly is an engine that has every image and does nothing else.
type imagesOnly struct{ controller.Engine }

func (imagesOnly) FindImage(_ context.Context, id string) (docker.Image, error) {
	return docker.Image{ID: id}, nil
}

// storied is the admin app on the real controller and a real ledger; nothing is shipped.
type storied struct {
	*site
	ledger *store.Store
	folder string
	log    *audit.Log
}

func newStoried(t *testing.T) *storied {
	t.Helper()
	folder := t.TempDir()
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	s := &storied{ledger: ledger, folder: folder}
	s.site = newSite(t, func(o *Options) {
		s.log = audit.NewLog(audit.Options{
			Ledger: ledger, Key: bytes.Repeat([]byte("k"), 32), File: filepath.Join(folder, "audit.log"), Logger: slog.New(slog.DiscardHandler),
		})
		key, err := secret.DeriveKey("a key of the tests")
		if err != nil {
			t.Fatal(err)
		}
		story, err := controller.New(controller.Options{
			Ledger: ledger, Engine: imagesOnly{}, Volumes: volumes.Options{Ledger: ledger, Keeper: volumetest.New(t)}, DataFolder: folder, Logger: o.Logger, Audit: s.log, Key: key,
			Release:       release.Options{Ledger: ledger, History: ledger, BuildConcurrency: 1, BuildTimeout: time.Minute},
			MaximumLimits: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500},
			Routing:       routing.Options{Ledger: ledger},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Story, o.Audit = storyOf(story), s.log
	})
	s.live("hello")
	return s
}

// live makes an app whose first release is live.
func (s *storied) live(name app.Name) {
	s.t.Helper()
	route, err := traefik.ParseRoute("/" + string(name))
	if err != nil {
		s.t.Fatal(err)
	}
	release, err := s.ledger.CreateApp(s.t.Context(), app.App{
		Name: name, Routes: []traefik.Route{route}, Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now(),
	}, app.Release{CreatedBy: "admin", CreatedAt: time.Now(), Image: "sha256:aa"})
	if err == nil {
		_, err = s.ledger.Promote(s.t.Context(), release.ReleaseID, time.Now())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *storied) send(token, path string, fields ...string) answer {
	s.t.Helper()
	form := url.Values{formField: {token}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.post("/admin/apps/hello/environment"+path, form)
}

func (s *storied) details(action audit.Action) (details []string) {
	s.t.Helper()
	entries, err := s.log.List(s.t.Context(), audit.Filter{}, audit.Page{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, entry := range slices.Backward(entries) {
		if entry.Action == action {
			details = append(details, entry.Detail)
		}
	}
	return details
}

func TestEnvironment_IsSavedOnItsPageAndAppliedFromThere(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	page := s.get("/admin/apps/hello/environment")
	mustContain(t, page.body, "There is no variable yet")
	if answer := s.send(token, "", "name", " MODE ", "value", "two\r\nlines", "kind", "variable"); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/environment#notice" {
		t.Fatalf("set: %d %.300s", answer.StatusCode, answer.body)
	}
	if answer := s.send(token, "", "name", "DB", "value", hiddenValue, "kind", "secret"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("set secret: %d %.300s", answer.StatusCode, answer.body)
	}
	page = s.get("/admin/apps/hello/environment")
	mustContain(t, page.body, "2 changes are not applied yet", "<strong>Added:</strong> <code>DB</code> <code>MODE</code>",
		"two\nlines</code>", "hidden", `action="/admin/apps/hello/environment/apply"`)
	mustContain(t, s.get("/admin/apps/hello").body, "2 changes are not applied yet", "2 variables")
	mustContain(t, s.get("/admin/apps/hello/environment?name=MODE").body, "Change MODE", ">\ntwo\nlines</textarea>")

	applied := s.send(token, "/apply")
	if applied.StatusCode != http.StatusSeeOther || applied.Header.Get("Location") != "/admin/apps/hello/releases/2#main" {
		t.Fatalf("apply: %d %s %.300s", applied.StatusCode, applied.Header.Get("Location"), applied.body)
	}
	mustContain(t, s.get("/admin/apps/hello/releases").body, "new environment for r1")
	mustContain(t, s.get("/admin/apps/hello/environment").body, "A release is under way")
	if answer := s.send(token, "/apply"); answer.StatusCode != http.StatusConflict {
		t.Errorf("apply while a release is under way: %d", answer.StatusCode)
	}
	if _, err := s.ledger.Promote(t.Context(), app.ReleaseID{App: "hello", Number: 2}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if page := s.get("/admin/apps/hello/environment"); strings.Contains(page.body, "not applied") {
		t.Errorf("applied: %.3000s", page.body)
	}
	if answer := s.send(token, "/delete", "name", "MODE"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("delete: %d", answer.StatusCode)
	}
	mustContain(t, s.get("/admin/apps/hello/environment").body, "1 change is not applied yet", "<strong>Removed:</strong> <code>MODE</code>")
	if answer := s.send(token, "/delete", "name", "MODE"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("delete again: %d", answer.StatusCode)
	}
	if got, want := s.details(audit.ActionEnvironmentChange), []string{"set MODE", "set secret DB", "removed MODE", "refused: not found"}; !slices.Equal(got, want) {
		t.Errorf("audit: %q", got)
	}
	if got, want := s.details(audit.ActionEnvironmentApply), []string{"hello r2", "refused: conflict"}; !slices.Equal(got, want) {
		t.Errorf("audit: %q", got)
	}
}

func TestEnvironment_IsPastedAsText(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	text := "# of the shop\r\nexport MODE=fast # or slow\r\nHOMEPAGE=${HOST}/x\r\nTEXT='two\r\nlines'\r\nPATH=/app\r\n"
	if answer := s.send(token, "/import", "text", text, "kind", "variable"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("import: %d %.300s", answer.StatusCode, answer.body)
	}
	page := s.get("/admin/apps/hello/environment").body
	mustContain(t, page, "4 variables are saved.", "Variables aren&#39;t expanded: ${...} is kept as it is in HOMEPAGE.", "Warning: PATH:",
		">${HOST}/x</code>", ">two\nlines</code>", ">fast</code>")
	s.send(token, "", "name", "MODE", "value", hiddenValue) // no kind: the strict one
	s.send(token, "/import", "text", "MODE="+hiddenValue+"-2", "kind", "variable")
	if page := s.get("/admin/apps/hello/environment").body; strings.Contains(page, hiddenValue) {
		t.Error("what was a secret is shown after it was pasted as a variable")
	}
	refused := s.send(token, "/import", "text", "A=b\n'"+hiddenValue, "kind", "secret")
	if refused.StatusCode != http.StatusUnprocessableEntity || strings.Contains(refused.body, hiddenValue) {
		t.Errorf("%d, or the secret is given back", refused.StatusCode)
	}
	mustContain(t, refused.body, "Line 2: There is no = in it.", `id="import-text-problem"`)
	refused = s.send(token, "/import", "text", "A=b\nnothing", "kind", "variable")
	mustContain(t, refused.body, ">\nA=b\nnothing</textarea>", "Line 2:")
}

func TestEnvironment_ProblemsStandBesideTheirFieldAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	for _, test := range []struct{ name, value, kind, want string }{
		{"A-B", "kept value", "variable", "This cannot be the name of a variable."},
		{"PORT", "80", "variable", "Set the port under Settings"},
		{"BERTH_X", "x", "secret", "belong to Berth"},
		{"A", strings.Repeat("x", app.MaxVariableValue+1), "variable", "has more than 32 kB"},
		{"A", "", "secret", "The secret A has no value."},
		{"A-B", hiddenValue, "secret", "This cannot be the name of a variable."},
	} {
		answer := s.send(token, "", "name", test.name, "value", test.value, "kind", test.kind)
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", test.name, answer.StatusCode)
		}
		mustContain(t, answer.body, test.want, `value="`+test.name+`"`, `role="alert"`)
		if kept := strings.Contains(answer.body, ">\n"+test.value+"</textarea>"); kept != (test.kind == "variable" || test.value == "") {
			t.Errorf("%s: the value is kept: %t", test.name, kept)
		}
	}
	answer := s.send(token, "", "name", "FILE", "value", hiddenValue, "kind", "file")
	if answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a secret as a file: %d", answer.StatusCode)
	}
	mustContain(t, s.get("/admin/apps/hello/environment").body, "/run/secrets/FILE")
	if strings.Contains(s.logged.String(), hiddenValue) {
		t.Error("the log holds the secret")
	}
}

func TestEnvironment_HostileNamesAndValuesAreNoMarkup(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	const hostile = `</code></textarea><script>alert(1)</script><img src=x onerror=alert(2)> {{.}} "'`
	if answer := s.send(token, "", "name", "A", "value", hostile, "kind", "variable"); answer.StatusCode != http.StatusSeeOther {
		t.Fatal(answer.StatusCode)
	}
	for name, body := range map[string]string{
		"table":  s.get("/admin/apps/hello/environment").body,
		"form":   s.get("/admin/apps/hello/environment?name=A").body,
		"query":  s.get("/admin/apps/hello/environment?name=" + url.QueryEscape(hostile)).body,
		"name":   s.send(token, "", "name", hostile, "value", hostile, "kind", "variable").body,
		"import": s.send(token, "/import", "text", hostile, "kind", "variable").body,
		"delete": s.send(token, "/delete", "name", hostile).body,
	} {
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || !strings.Contains(body, "</html>") {
			t.Errorf("%s: markup got through", name)
		}
	}
	api := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/environment", "")
	if decode(t, api.body)["variables"].(map[string]any)["A"] != hostile || strings.Contains(api.body, "<script>") {
		t.Errorf("%s", api.body)
	}
}

func TestEnvironment_SecretIsShownToNobody(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	s.send(token, "", "name", "DB", "value", hiddenValue, "kind", "secret")
	s.send(token, "/import", "text", "KEY='"+hiddenValue+"\nsecond line'", "kind", "secret")
	s.bearer(deployToken, http.MethodPatch, "/api/v1/apps/hello/environment", `{"secrets": {"API": "`+hiddenValue+`"}}`)
	s.bearer(deployToken, http.MethodPut, "/api/v1/apps/hello/environment", `{"secrets": {"API": "`+hiddenValue+`"}, "keep_secrets": ["DB", "nothing"]}`)
	s.bearer(deployToken, http.MethodPut, "/api/v1/apps/hello/environment", `{"secrets": {"API": 4711, "`+hiddenValue+`": "x"}}`)
	s.send(token, "", "name", hiddenValue, "value", hiddenValue, "kind", "secret")
	s.send(token, "/apply")
	look := func(who string) {
		for _, path := range []string{"", "/environment", "/environment?name=DB", "/environment?name=KEY", "/releases/2", "/output"} {
			if answer := s.get("/admin/apps/hello" + path); strings.Contains(answer.body, hiddenValue) {
				t.Errorf("%s sees the secret on %s", who, path)
			}
		}
	}
	look("who set it")
	s.accounts.account = account.Account{ID: 8, Name: "grace"}
	s.client = s.browser()
	s.signIn()
	look("another account")
	for _, path := range []string{"", "/environment", "/releases", "/releases/2"} {
		if answer := s.bearer(adminToken, http.MethodGet, "/api/v1/apps/hello"+path, ""); answer.StatusCode != http.StatusOK || strings.Contains(answer.body, hiddenValue) {
			t.Errorf("the API shows the secret on %s: %d", path, answer.StatusCode)
		}
	}
	for name, text := range map[string]string{"program log": s.logged.String(), "berth.db": "", "berth.db-wal": "", "audit.log": ""} {
		if name != "program log" {
			content, err := os.ReadFile(filepath.Join(s.folder, name))
			if err != nil {
				t.Fatal(err)
			}
			text = string(content)
		}
		if at := strings.Index(text, hiddenValue); at >= 0 {
			t.Errorf("%s holds the secret: %q", name, text[max(0, at-150):at])
		}
	}
}

func TestAPIEnvironment_ReplacesChangesAndApplies(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	const path = "/api/v1/apps/hello/environment"
	answer := s.bearer(deployToken, http.MethodPut, path, `{"variables": {"A": "b", "LD_PRELOAD": "x"}, "secrets": {"S": "secret-one", "T": "secret-two"}}`)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, answer.body, `"variables":{"A":"b","LD_PRELOAD":"x"}`, `"secrets":["S","T"]`, `"added":["A","LD_PRELOAD","S","T"]`, `"warnings":{"LD_PRELOAD":`)
	answer = s.bearer(deployToken, http.MethodPut, path, `{"variables": {"A": "c"}, "keep_secrets": ["T"]}`)
	mustContain(t, answer.body, `"variables":{"A":"c"}`, `"secrets":["T"]`)
	answer = s.bearer(deployToken, http.MethodPatch, path, `{"variables": {"B": ""}, "remove": ["A"]}`)
	mustContain(t, answer.body, `"variables":{"B":""}`, `"secrets":["T"]`)
	for body, field := range map[string]string{
		`{"keep_secrets": ["S"]}`:                          "keep_secrets",
		`{"keep_secrets": ["B"]}`:                          "keep_secrets",
		`{"variables": {"B": "x"}, "secrets": {"B": "x"}}`: "name",
		`{"variables": {"PORT": "80"}}`:                    "name",
		`{"secrets": {"S": ""}}`:                           "value",
		`{"secret_files": {"S": ""}}`:                      "value",
		`{"variables": {"B": "a\u0000b"}}`:                 "value",
	} {
		if answer := s.bearer(deployToken, http.MethodPut, path, body); answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != field {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(readToken, http.MethodPut, path, `{}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("scope read: %d", answer.StatusCode)
	}
	created := s.bearer(deployToken, http.MethodPost, path+"/apply", "")
	if created.StatusCode != http.StatusCreated || decode(t, created.body)["new_environment"] != true {
		t.Errorf("apply: %d %s", created.StatusCode, created.body)
	}
	if _, err := s.ledger.Promote(t.Context(), app.ReleaseID{App: "hello", Number: 2}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if again := s.bearer(deployToken, http.MethodPost, path+"/apply", ""); again.StatusCode != http.StatusOK {
		t.Errorf("apply again: %d %s", again.StatusCode, again.body)
	}
	shown := s.bearer(readToken, http.MethodGet, path, "")
	mustContain(t, shown.body, `"variables":{"B":""}`, `"secrets":["T"]`, `"unapplied":{"added":[],"changed":[],"removed":[]}`)
}
