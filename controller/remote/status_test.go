package remote

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/controller/address"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/secret"
	"berth/controller/webhook"
)

const statusToken = secret.Text("canary-status-0123456789")

// api is the API of a git host, which keeps the last request.
type api struct {
	web    *httptest.Server
	asked  *http.Request
	body   map[string]any
	status int
	answer string
}

func newAPI(t *testing.T) *api {
	t.Helper()
	made := &api{status: http.StatusCreated}
	made.web = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		made.asked, made.body = r, nil
		if err := json.Unmarshal(text, &made.body); err != nil {
			t.Errorf("the body is no JSON: %s", text)
		}
		if made.status == http.StatusFound {
			w.Header().Set("Location", "https://elsewhere.example/x")
		}
		w.WriteHeader(made.status)
		_, _ = io.WriteString(w, made.answer)
	}))
	t.Cleanup(made.web.Close)
	return made
}

func (a *api) remotes(t *testing.T, dial Dial) *Remotes {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.web.Certificate())
	made, err := New(Options{DataFolder: t.TempDir(), Dial: dial, Roots: roots, NoRoom: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func statusOf(provider webhook.Provider, state State) Status {
	commit, _ := pack.ParseID(strings.Repeat("1a", 20))
	return Status{Provider: provider, Commit: commit, State: state, Description: "Release 5 is live.", Context: "berth/shop", Link: "https://berth.example.com/admin/apps/shop/releases/5"}
}

func TestTell_SendsWhatEachAPITakes(t *testing.T) {
	const commit = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
	for name, c := range map[string]struct {
		provider webhook.Provider
		path     string
		state    State
		want     string // the state
		header   [2]string
		at       string
	}{
		"GitHub Enterprise":        {webhook.GitHub, "/ann/shop.git", Success, "success", [2]string{"Authorization", "Bearer " + statusToken.Reveal()}, "/api/v3/repos/ann/shop/statuses/" + commit},
		"GitHub Enterprise failed": {webhook.GitHub, "/ann/shop", Failure, "failure", [2]string{"X-Github-Api-Version", "2022-11-28"}, "/api/v3/repos/ann/shop/statuses/" + commit},
		"Gitea":                    {webhook.Gitea, "/ann/shop.git", Pending, "pending", [2]string{"Authorization", "token " + statusToken.Reveal()}, "/api/v1/repos/ann/shop/statuses/" + commit},
		"Gitea in a folder":        {webhook.Gitea, "/git/ann/shop.git", Failure, "failure", [2]string{"Authorization", "token " + statusToken.Reveal()}, "/git/api/v1/repos/ann/shop/statuses/" + commit},
		"GitLab":                   {webhook.GitLab, "/group/sub/shop.git", Failure, "failed", [2]string{"Private-Token", statusToken.Reveal()}, "/api/v4/projects/group%2Fsub%2Fshop/statuses/" + commit},
		"GitLab success":           {webhook.GitLab, "/ann/shop.git", Success, "success", [2]string{"Private-Token", statusToken.Reveal()}, "/api/v4/projects/ann%2Fshop/statuses/" + commit},
	} {
		host := newAPI(t)
		remotes := host.remotes(t, new(net.Dialer).DialContext)
		address := strings.Replace(host.web.URL, "https://", "https://ann@", 1) + c.path
		if err := remotes.Tell(t.Context(), Source{Address: address, Token: statusToken}, statusOf(c.provider, c.state)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if host.asked.Method != http.MethodPost || host.asked.URL.EscapedPath() != c.at || host.asked.Header.Get(c.header[0]) != c.header[1] || host.asked.Header.Get("Content-Type") != "application/json" || host.asked.UserAgent() == "" {
			t.Errorf("%s: asked %s %s %v", name, host.asked.Method, host.asked.URL.EscapedPath(), host.asked.Header)
		}
		want := map[string]any{"state": c.want, "description": "Release 5 is live.", "context": "berth/shop", "target_url": "https://berth.example.com/admin/apps/shop/releases/5"}
		if len(host.body) != len(want) {
			t.Errorf("%s: %v", name, host.body)
		}
		for field, value := range want {
			if host.body[field] != value {
				t.Errorf("%s: %s is %v", name, field, host.body[field])
			}
		}
	}
}

func TestTell_LeavesOutALinkThatIsNotKnown(t *testing.T) {
	host := newAPI(t)
	status := statusOf(webhook.Gitea, Success)
	status.Link = ""
	if err := host.remotes(t, new(net.Dialer).DialContext).Tell(t.Context(), Source{Address: host.web.URL + "/ann/shop", Token: statusToken}, status); err != nil {
		t.Fatal(err)
	}
	if _, has := host.body["target_url"]; has {
		t.Errorf("sent %v", host.body)
	}
}

func TestTell_ReachesGitHubAtItsOwnAPI(t *testing.T) {
	for repository, want := range map[string]string{
		"https://github.com/ann/shop.git": "https://api.github.com/repos/ann/shop/statuses/",
		"https://GitHub.com/ann/shop":     "https://api.github.com/repos/ann/shop/statuses/",
		"git@github.com:ann/shop.git":     "https://api.github.com/repos/ann/shop/statuses/",

		"ssh://git@git.example.com:2222/ann/shop.git": "https://git.example.com/api/v3/repos/ann/shop/statuses/",
	} {
		if got, err := apiOf(repository, statusOf(webhook.GitHub, Success)); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, %v", repository, got, err)
		}
	}
	for repository, provider := range map[string]webhook.Provider{
		"https://github.com/shop.git": webhook.GitHub, "https://github.com/a/b/c": webhook.GitHub, "https://git.example.com/ann/shop": "", "https://git.example.com/ann/shop.git": webhook.Generic,
	} {
		if got, err := apiOf(repository, statusOf(provider, Success)); problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%s: %s, %v", repository, got, err)
		}
	}
	if ProviderAt("https://GitHub.com/a/b") != webhook.GitHub || ProviderAt("https://github.com.evil.example/a/b") != "" {
		t.Error("a provider is wrong")
	}
}

func TestTell_SaysInWordsWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct {
		provider webhook.Provider
		state    State
		status   int
		answer   string
		kind     problem.Kind
		words    string
	}{
		"a bad token":         {webhook.GitHub, Success, http.StatusUnauthorized, `{"message": "Bad credentials"}`, problem.KindInvalid, "401 Unauthorized"},
		"no right":            {webhook.GitLab, Success, http.StatusForbidden, "", problem.KindInvalid, "403 Forbidden"},
		"a redirect":          {webhook.Gitea, Success, http.StatusFound, "", problem.KindInvalid, "https://elsewhere.example/x"},
		"a host that is down": {webhook.Gitea, Success, http.StatusBadGateway, "", problem.KindUnavailable, "502"},
		"too many":            {webhook.GitHub, Success, http.StatusTooManyRequests, "", problem.KindUnavailable, "429"},
		"a page":              {webhook.Gitea, Success, http.StatusOK, "<html>", problem.KindInvalid, "200 OK"},
		"an endless answer":   {webhook.Gitea, Success, http.StatusUnprocessableEntity, strings.Repeat("x", 1<<20), problem.KindInvalid, "422"},
		"GitLab, not pending": {webhook.GitLab, Failure, http.StatusBadRequest, `{"message":"Cannot transition status via :drop from :success"}`, problem.KindInvalid, "400"},
	} {
		host := newAPI(t)
		host.status, host.answer = c.status, c.answer
		err := host.remotes(t, new(net.Dialer).DialContext).Tell(t.Context(), Source{Address: host.web.URL + "/ann/shop", Token: statusToken}, statusOf(c.provider, c.state))
		if problem.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), statusToken.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	host := newAPI(t)
	host.status, host.answer = http.StatusBadRequest, `{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}`
	if err := host.remotes(t, new(net.Dialer).DialContext).Tell(t.Context(), Source{Address: host.web.URL + "/ann/shop", Token: statusToken}, statusOf(webhook.GitLab, Pending)); err != nil {
		t.Errorf("GitLab has the status already: %v", err)
	}
}

func TestTell_ReachesNoClosedAddressAndHidesItsToken(t *testing.T) {
	host := newAPI(t)
	strict := address.Dialer(address.Guard{}.Allows).DialContext
	err := host.remotes(t, strict).Tell(t.Context(), Source{Address: host.web.URL + "/ann/shop", Token: statusToken}, statusOf(webhook.Gitea, Success))
	if problem.KindOf(err) != problem.KindForbidden || host.asked != nil {
		t.Errorf("got %v", err)
	}
	host.web.Close()
	err = host.remotes(t, new(net.Dialer).DialContext).Tell(t.Context(), Source{Address: host.web.URL + "/ann/shop", Token: statusToken}, statusOf(webhook.Gitea, Success))
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindUnavailable || strings.Contains(fault.Message, statusToken.Reveal()) {
		t.Errorf("got %v", err)
	}
}
