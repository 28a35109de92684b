package router

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/certificates"
	"berth/test/authority"
)

const helloDomain = "/settings/certificates/hello.example.com"

func TestDomains_TheKeyIsNeverShownAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	chain, key := authority.SelfSigned(t, "hello.example.com")
	_, otherKey := authority.SelfSigned(t, "hello.example.com")
	marker := strings.Split(string(otherKey), "\n")[1]
	for _, form := range []url.Values{
		{"chain": {string(chain)}, "key": {string(otherKey)}},
		{"chain": {string(chain) + string(otherKey)}},
	} {
		form.Set(formField, token)
		answer := s.post(helloDomain+"/own", form)
		if answer.StatusCode != http.StatusUnprocessableEntity && answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.body, "does not belong") {
			t.Errorf("status %d: %.300s", answer.StatusCode, answer.body)
		}
		if strings.Contains(answer.body, marker) {
			t.Error("the page shows the key")
		}
	}
	answer := s.post(helloDomain+"/own", url.Values{formField: {token}, "chain": {string(chain)}, "key": {string(key)}})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", answer.StatusCode, answer.body)
	}
	page := s.get(helloDomain).body
	if strings.Contains(page, strings.Split(string(key), "\n")[1]) || !strings.Contains(page, "Remove your own certificate") {
		t.Errorf("the page shows the key, or lacks the button:\n%s", page)
	}
	if strings.Contains(s.logged.String(), marker) {
		t.Error("the log holds the key")
	}
}

func TestDomains_TakesAnUploadedFileWithBoth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	chain, key := authority.SelfSigned(t, "hello.example.com")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField(formField, token)
	file, err := form.CreateFormFile("chain_file", "both.pem")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write(append(chain, key...))
	_ = form.Close()
	request := s.request(http.MethodPost, helloDomain+"/own", &body)
	request.Header.Set("Content-Type", form.FormDataContentType())
	if answer := s.do(request); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d: %s", answer.StatusCode, answer.body)
	}
}

func TestDomains_SettingsAreKeptAndWrongOnesStandBesideTheirField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	answer := s.post(helloDomain, url.Values{formField: {token}, "source": {"tls"}, "redirect": {"on"}, "hsts": {"3600"}})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	page := s.get(helloDomain).body
	for _, want := range []string{`value="tls" selected`, `value="on" selected`, `value="3600" selected`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for field, value := range map[string]string{"source": "theirs", "redirect": "maybe", "hsts": "7"} {
		form := url.Values{formField: {token}, "source": {""}, "redirect": {""}, "hsts": {"0"}}
		form.Set(field, value)
		if answer := s.post(helloDomain, form); answer.StatusCode < 400 || !strings.Contains(answer.body, `id="`+field+`-problem"`) {
			t.Errorf("%s: status %d", field, answer.StatusCode)
		}
	}
}

func TestDomains_AHostThatNoAppHasOrThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	for path, want := range map[string]int{
		"/settings/certificates/other.example.com": http.StatusNotFound,
		"/settings/certificates/*.example.com":     http.StatusNotFound, // it could be one
		"/settings/certificates/a.*.example.com":   http.StatusBadRequest,
		"/settings/certificates/hello":             http.StatusBadRequest,
		"/settings/certificates/Hello.example.com": http.StatusBadRequest,
		"/settings/certificates/%7B%7Benv%7D%7D.x": http.StatusBadRequest,
	} {
		if answer := s.get(path); answer.StatusCode != want {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	chain, key := authority.SelfSigned(t, "other.example.com")
	form := url.Values{formField: {token}, "chain": {string(chain)}, "key": {string(key)}}
	if answer := s.post("/settings/certificates/other.example.com/own", form); answer.StatusCode != http.StatusNotFound {
		t.Errorf("upload: %d", answer.StatusCode)
	}
}

func TestProxySettings_AreKeptAndSayThatTheProxyRestarted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	form := url.Values{
		formField: {token}, "authority": {"letsencrypt"}, "email": {"me@example.com"}, "dry_run": {"1"}, "challenge": {"http"}, "dashboard": {"local"},
	}
	if answer := s.post("/settings/proxy", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", answer.StatusCode, answer.body)
	}
	if page := s.get("/settings/proxy").body; !strings.Contains(page, "it was restarted for them") || !strings.Contains(page, "me@example.com") {
		t.Errorf("page %s", page)
	}
	if !strings.Contains(s.get("/settings/certificates").body, "This is a dry run") {
		t.Error("the page of certificates does not say that it is a dry run")
	}
	s.domains.mu.Lock()
	s.domains.refuse = errors.New("it is gone")
	s.domains.mu.Unlock()
	form.Set("http3", "1")
	answer := s.post("/settings/proxy", form)
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer.body, "has the old ones again") || !strings.Contains(answer.body, `name="http3" value="1" checked`) {
		t.Errorf("status %d: %s", answer.StatusCode, answer.body)
	}
	if s.domains.Settings().HTTP3 {
		t.Error("the settings were kept")
	}
}

func TestProxySettings_PasswordAndCredentialsAreNeverShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	form := url.Values{
		formField: {token}, "authority": {"letsencrypt"}, "email": {"nobody"}, "challenge": {"http"},
		"dashboard": {"host"}, "dashboard_host": {"proxy.example.com"}, "dashboard_user": {"me"}, "dashboard_password": {"hidden-password-1"},
		"dns_provider": {"cloudflare"}, "dns_credentials": {"CF_DNS_API_TOKEN=hidden-token-1"},
	}
	wrong := s.post("/settings/proxy", form)
	if wrong.StatusCode < 400 || strings.Contains(wrong.body, "hidden-") || !strings.Contains(wrong.body, `id="email-problem"`) {
		t.Errorf("status %d: %s", wrong.StatusCode, wrong.body)
	}
	form.Set("email", "me@example.com")
	if answer := s.post("/settings/proxy", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", answer.StatusCode, answer.body)
	}
	if strings.Contains(s.get("/settings/proxy").body, "hidden-") || strings.Contains(s.logged.String(), "hidden-") {
		t.Error("a secret is shown")
	}
	if settings := s.domains.Settings(); settings.Dashboard != certificates.DashboardHost || !strings.HasPrefix(settings.DashboardHash, "$2a$") {
		t.Errorf("%+v", settings.Form())
	}
}
