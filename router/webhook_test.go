package router

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/remote"
	"berth/controller/webhook/inbox"
)

const (
	hookRow  = "/api/v1/apps/hello/webhook"
	hookRepo = "https://git.example.com/ann/shop.git"
)

// hookSite is a site whose app hello has a webhook.
type hookSite struct {
	*site
	fake           *fakeWebhooks
	path, hookedBy string // the address, and the secret
}

func newHookSite(t *testing.T) *hookSite {
	t.Helper()
	made, fake := newWebhooks(t)
	s := newSite(t, func(o *Options) { o.Webhooks = made })
	s.anApp("hello")
	answer := s.bearer(deployToken, http.MethodPatch, hookRow, `{"on": true, "repository": "`+hookRepo+`", "token": "canary-token"}`)
	var shown webhookJSON
	if err := json.Unmarshal([]byte(answer.body), &shown); err != nil || shown.Secret == "" {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	at, err := url.Parse(shown.Address)
	if err != nil || at.Hostname() != adminHost {
		t.Fatalf("the address is %q", shown.Address)
	}
	return &hookSite{s, fake, at.Path, shown.Secret}
}

// githost is a way to send a push.
type githost struct {
	name   string
	events map[string]string
	body   func(ref, after, repository string) string
	sign   func(header http.Header, body, secret string)
}

func signed(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func githosts() []githost {
	github := func(ref, after, repository string) string {
		return fmt.Sprintf(`{"ref":%q,"after":%q,"repository":{"clone_url":%q}}`, ref, after, repository)
	}
	return []githost{
		{"GitHub", map[string]string{"X-GitHub-Event": "push"}, github, func(h http.Header, body, secret string) {
			h.Set("X-Hub-Signature-256", "sha256="+signed(body, secret))
		}},
		{"Gitea", map[string]string{"X-Gitea-Event": "push", "X-GitHub-Event": "push"}, github, func(h http.Header, body, secret string) {
			h.Set("X-Gitea-Signature", signed(body, secret))
			h.Set("X-Hub-Signature-256", "sha256="+signed(body, secret))
		}},
		{"GitLab", map[string]string{"X-Gitlab-Event": "Push Hook"}, func(ref, after, repository string) string {
			return fmt.Sprintf(`{"object_kind":"push","ref":%q,"after":%q,"project":{"git_http_url":%q}}`, ref, after, repository)
		}, func(h http.Header, _, secret string) { h.Set("X-Gitlab-Token", secret) }},
	}
}

// send sends a delivery from a machine that knows no cookie.
func (s *hookSite) send(host githost, body, secret string, change func(http.Header)) answer {
	s.t.Helper()
	request := s.request(http.MethodPost, s.path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	for name, value := range host.events {
		request.Header.Set(name, value)
	}
	host.sign(request.Header, body, secret)
	if change != nil {
		change(request.Header)
	}
	s.client = s.browser()
	return s.do(request)
}

func TestWebhook_OnlyTheRightDeliveryDeploysAndOnce(t *testing.T) {
	t.Parallel()
	one, zeros := strings.Repeat("1", 40), strings.Repeat("0", 40)
	for _, host := range githosts() {
		t.Run(host.name, func(t *testing.T) {
			t.Parallel()
			s := newHookSite(t)
			right := host.body("refs/heads/main", one, hookRepo)
			proofs := []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Gitlab-Token"}
			drop := func(h http.Header) {
				for _, name := range proofs {
					h.Del(name)
				}
			}
			double := func(h http.Header) {
				for _, name := range proofs {
					h[name] = append(h[name], h[name]...)
				}
			}
			silent := func(h http.Header) {
				for _, name := range []string{"X-GitHub-Event", "X-Gitea-Event", "X-Gitlab-Event"} {
					h.Del(name)
				}
			}
			for _, c := range []struct {
				name, body, secret string
				change             func(http.Header)
				status             int
			}{
				{"wrong", right, "wrong", nil, http.StatusUnauthorized},
				{"empty", right, "", nil, http.StatusUnauthorized},
				{"missing", right, s.hookedBy, drop, http.StatusUnauthorized},
				{"signed twice", right, s.hookedBy, double, http.StatusBadRequest},
				{"signed as another host too", right, s.hookedBy, func(h http.Header) {
					h.Set("X-Gitlab-Token", s.hookedBy)
					h.Set("X-Hub-Signature-256", "sha256="+signed(right, s.hookedBy))
				}, http.StatusBadRequest},
				{"without an event", right, s.hookedBy, silent, http.StatusBadRequest},
				{"no push", `{"ref": 1}`, s.hookedBy, nil, http.StatusBadRequest},
				{"a form", right, s.hookedBy, func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }, http.StatusUnprocessableEntity},
				{"other repository", host.body("refs/heads/main", one, "https://git.example.com/ann/other.git"), s.hookedBy, nil, http.StatusForbidden},
				{"other branch", host.body("refs/heads/next", one, hookRepo), s.hookedBy, nil, http.StatusOK},
				{"tag", host.body("refs/tags/main", one, hookRepo), s.hookedBy, nil, http.StatusOK},
				{"delete", host.body("refs/heads/main", zeros, hookRepo), s.hookedBy, nil, http.StatusOK},
				{"10 MB", right + strings.Repeat(" ", 10<<20), s.hookedBy, nil, http.StatusRequestEntityTooLarge},
				{"right", right, s.hookedBy, nil, http.StatusAccepted},
				{"replayed", right, s.hookedBy, nil, http.StatusConflict},
			} {
				answer := s.send(host, c.body, c.secret, c.change)
				if answer.StatusCode != c.status || !strings.Contains(answer.Header.Get("Content-Type"), "json") {
					t.Errorf("%s: %d %s", c.name, answer.StatusCode, answer.body)
				}
				if deployed := len(s.fake.deployed); deployed > 0 && c.status < http.StatusAccepted {
					t.Errorf("%s deployed", c.name)
				}
				if strings.Contains(answer.body, s.hookedBy) || len(answer.Cookies()) > 0 {
					t.Errorf("%s: the answer has a secret or a cookie: %s", c.name, answer.body)
				}
			}
			if len(s.fake.deployed) != 1 || s.fake.deployed[0].App != "hello" {
				t.Errorf("deployed %+v", s.fake.deployed)
			}
			s.showsHistory()
		})
	}
}

// showsHistory looks for the refusals on the app's page, and in the audit log.
func (s *hookSite) showsHistory() {
	s.t.Helper()
	s.signIn()
	page := s.get("/admin/apps/hello/settings").body
	mustContain(s.t, page, "Last deliveries", "does not fit the secret", "The delivery is not signed.", "another repository", "Only the branch main is deployed.", "came before", "larger than 1 MB", "not JSON", `href="/admin/apps/hello/releases/1"`)
	if strings.Contains(page, s.hookedBy) || strings.Contains(page, "canary-token") {
		s.t.Error("the page tells a secret")
	}
	if log := s.logged.String(); strings.Contains(log, s.hookedBy) || strings.Contains(log, s.path) || strings.Contains(log, "canary-token") {
		s.t.Error("the log tells a secret")
	}
	good := 0
	for _, event := range s.recorded(audit.ActionAppUpdate) {
		if event.Success {
			good++
		}
		if event.Resource != "app hello" || !strings.HasPrefix(event.Detail, "webhook") {
			s.t.Errorf("recorded %+v", event)
		}
	}
	if good != 1 {
		s.t.Errorf("%d deployments are recorded", good)
	}
}

func TestWebhook_AnUnknownAddressTellsNothing(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	known := s.path
	for status, path := range map[int]string{http.StatusNotFound: webhookPath + strings.Repeat("A", 26), http.StatusBadRequest: strings.ToLower(known)} {
		s.path = path
		answer := s.send(githosts()[0], "{}", s.hookedBy, nil)
		if answer.StatusCode != status || strings.Contains(answer.body, "hello") {
			t.Errorf("%s: %d %s", s.path, answer.StatusCode, answer.body)
		}
	}
	if recorded := s.recorded(audit.ActionAppUpdate); len(recorded) != 0 {
		t.Errorf("strangers fill the audit log: %+v", recorded)
	}
	s.signIn()
	if page := s.get("/admin/apps/hello/settings").body; strings.Contains(page, "Last deliveries") {
		t.Error("strangers fill the history")
	}
}

// A session of a browser and a token of the API open nothing here.
func TestWebhook_TheSignatureAloneCounts(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	s.signIn()
	if answer := s.post(s.path, url.Values{formField: {s.formToken("/settings/account")}}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodPost, s.path, githosts()[0].body("refs/heads/main", strings.Repeat("1", 40), hookRepo)); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token: %d", answer.StatusCode)
	}
	if len(s.fake.deployed) != 0 {
		t.Error("something was deployed")
	}
}

var shownSecret = regexp.MustCompile(`id="webhook-secret"[^>]* value="([^"]+)"`)

func TestWebhook_ThePageShowsASecretOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	save := url.Values{formField: {token}, "webhook_on": {"1"}, "repository": {hookRepo}, "repository_token": {"canary-token"}}
	first := s.post("/admin/apps/hello/webhook", save)
	one := shownSecret.FindStringSubmatch(first.body)
	if first.StatusCode != http.StatusOK || one == nil {
		t.Fatalf("%d %.300s", first.StatusCode, first.body)
	}
	if again := s.post("/admin/apps/hello/webhook", save); again.StatusCode != http.StatusSeeOther {
		t.Errorf("saved again: %d", again.StatusCode)
	}
	page := s.get("/admin/apps/hello/settings").body
	if strings.Contains(page, one[1]) || strings.Contains(page, "canary-token") || shownSecret.MatchString(page) {
		t.Error("the page shows a secret again")
	}
	mustContain(t, page, hookRepo, "A token is kept.", "https://"+adminHost)
	two := shownSecret.FindStringSubmatch(s.post("/admin/apps/hello/webhook/renew", url.Values{formField: {token}}).body)
	if two == nil || two[1] == one[1] {
		t.Errorf("the new secret is %q", two)
	}
}

func TestWebhook_ThePageAsksForTheKeyOfAHostOverSSH(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	form := url.Values{formField: {s.signIn()}, fieldWebhookOn: {"1"}, "repository": {"git@git.example.com:ann/shop.git"}, fieldWebhookBranch: {"main"}}
	answer := s.post("/admin/apps/hello/webhook", form)
	mustContain(t, answer.body, "The git host shows the key "+fakeHostKey, `name="host_key" value="`+fakeHostKey+`"`, "Save again to accept it.", "git@git.example.com:ann/shop.git")
	if answer.StatusCode != http.StatusUnprocessableEntity || strings.Contains(answer.body, "webhook-deploy-key") {
		t.Errorf("%d", answer.StatusCode)
	}
	form.Set("host_key", fakeHostKey)
	mustContain(t, s.post("/admin/apps/hello/webhook", form).body, "Secret of the webhook.", `id="webhook-deploy-key" value="ssh-ed25519 `, "berth-hello")
	answer = s.bearer(deployToken, http.MethodGet, hookRow, "")
	mustContain(t, answer.body, `"deploy_key":"ssh-ed25519 `, `"host_key":"`+fakeHostKey+`"`)
	other := "ssh-ed25519 SHA256:" + strings.Repeat("b", 43)
	answer = s.bearer(deployToken, http.MethodPatch, hookRow, `{"repository": "ssh://git@other.example.com/shop.git"}`)
	if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `"field":"host_key"`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	answer = s.bearer(deployToken, http.MethodPatch, hookRow, `{"repository": "ssh://git@other.example.com/shop.git", "host_key": "`+other+`"}`)
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, other) || strings.Contains(answer.body, "PRIVATE") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}

func TestAPIWebhook_ChangesOnlyWhatTheBodyNames(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	for _, body := range []string{`{"branch": "live"}`, `{"folder": "web"}`, `{"on": false}`} {
		if answer := s.bearer(deployToken, http.MethodPatch, hookRow, body); answer.StatusCode != http.StatusOK || strings.Contains(answer.body, `"secret"`) {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	answer := s.bearer(deployToken, http.MethodGet, hookRow, "")
	mustContain(t, answer.body, `"on":false`, hookRepo, `"branch":"live"`, `"folder":"web"`, `"has_token":true`)
	for _, body := range []string{`{"repository": "http://git.example.com/x"}`, `{"branch": "a..b"}`, `{"repository": "https://evil.example/x"}`} {
		if answer := s.bearer(deployToken, http.MethodPatch, hookRow, body); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodGet, "/api/v1/apps/none/webhook", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an app that is not there: %d", answer.StatusCode)
	}
}

func TestWebhook_ADeliveryMayComeUnderEveryNameOfTheAdminApp(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	for at, name := range []string{"127.0.0.1", "localhost"} {
		host := githosts()[1]
		body := host.body("refs/heads/main", strings.Repeat(strconv.Itoa(at+1), 40), hookRepo)
		r := s.under(name, http.MethodPost, s.path, body)
		r.Header.Set("Content-Type", "application/json")
		for header, value := range host.events {
			r.Header.Set(header, value)
		}
		host.sign(r.Header, body, s.hookedBy)
		if answer := s.do(r); answer.StatusCode >= 300 || len(answer.Cookies()) > 0 {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	if len(s.fake.deployed) != 1 { // the second is the same commit
		t.Errorf("deployed %+v", s.fake.deployed)
	}
}

func TestWebhook_AFetchIsABeginningOfARelease(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	answer := s.bearer(deployToken, http.MethodPost, hookRow+"/fetch", "")
	if answer.StatusCode != http.StatusAccepted || !strings.Contains(answer.body, `"result":"deployed"`) || !strings.Contains(answer.body, `"release":1`) || s.fake.deployed[0].By != "token ci" {
		t.Fatalf("%d %s %+v", answer.StatusCode, answer.body, s.fake.deployed)
	}
	if answer := s.bearer(deployToken, http.MethodPost, hookRow+"/fetch", ""); answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, "was deployed before") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodPost, hookRow+"/fetch", ""); answer.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	token := s.signIn()
	fetch := func() string {
		answer := s.post("/admin/apps/hello/webhook/fetch", url.Values{formField: {token}})
		if answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", answer.StatusCode, answer.body)
		}
		return answer.Header.Get("Location")
	}
	if at := fetch(); at != "/admin/apps/hello/settings#notice" {
		t.Errorf("leads to %s", at)
	}
	mustContain(t, s.get("/admin/apps/hello/settings").body, "was deployed before", "Fetch and deploy now", "person")
	s.fake.forget()
	if at := fetch(); at != "/admin/apps/hello/releases/2" {
		t.Errorf("leads to %s", at)
	}
}

func TestWebhook_ThePageSaysWhatTheGitHostWasTold(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	answer := s.bearer(deployToken, http.MethodPatch, hookRow, `{"status_token": "canary-status"}`)
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"has_status_token":true`) || strings.Contains(answer.body, "canary") {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	s.bearer(deployToken, http.MethodPost, hookRow+"/fetch", "")
	if s.fake.reports["hello"].Commit == "" {
		t.Fatal("nothing is to be told")
	}
	token := s.signIn()
	for _, c := range []struct {
		report inbox.Report
		page   string
		api    string
	}{
		{inbox.Report{State: remote.Success, Taken: true}, "as successful", `"taken":true`},
		{inbox.Report{State: remote.Pending, Open: true, Fault: "It answers 401. Check it."}, "is pending. It answers 401. Check it. Berth tries again.", `"fault":"It answers 401. Check it."`},
		{inbox.Report{State: remote.Failure, Fault: "It answers 401. Check it."}, "is failed. It answers 401. Check it.</p>", `"state":"failure"`},
	} {
		c.report.Release, c.report.Commit = app.ReleaseID{App: "hello", Number: 1}, strings.Repeat("1", 40)
		s.fake.reports["hello"] = c.report
		page := s.get("/admin/apps/hello/settings").body
		mustContain(t, page, c.page, "Remove the token for statuses")
		if strings.Contains(page, "canary-status") {
			t.Error("the page shows the token")
		}
		mustContain(t, s.bearer(readToken, http.MethodGet, hookRow+"/deliveries", "").body, c.api, `"release":1`)
	}
	s.post("/admin/apps/hello/webhook", url.Values{formField: {token}, "webhook_on": {"1"}, "repository": {hookRepo}, "remove_status_token": {"1"}})
	mustContain(t, s.bearer(deployToken, http.MethodGet, hookRow, "").body, `"has_status_token":false`, `"has_token":true`)
}
