package router

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/limit"
	"berth/controller/publicdoor"
)

const publicHost = "admin.example.com"

// newPublicSite is the admin app behind its public door. The server in front does what the
// proxy does: it ends TLS, and writes the address of its client in the place of what the
// client said. Here a client has the address that its header Client-Address names.
func newPublicSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s := newSite(t, append([]func(*Options){func(o *Options) {
		o.AdminHost, o.Gateway = publicHost, netip.MustParseAddr("10.201.0.1")
	}}, change...)...)
	door := publicdoor.Handler(publicdoor.Options{Host: publicHost, Next: s.server.Config.Handler})
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed := r.Clone(r.Context())
		client := passed.Header.Get("Client-Address")
		if client == "" {
			client = "203.0.113.1"
		}
		passed.TLS, passed.RemoteAddr = nil, "10.201.0.2:41000"
		passed.Header.Set("X-Forwarded-For", client)
		passed.Header.Set("X-Forwarded-Proto", "https")
		door.ServeHTTP(w, passed)
	}))
	t.Cleanup(front.Close)
	s.server = front
	s.server.URL = strings.Replace(front.URL, "127.0.0.1", publicHost, 1)
	s.client = s.browser()
	return s
}

// from is a request of the client with that address.
func (s *site) from(client, method, path, body string) *http.Request {
	s.t.Helper()
	r := s.request(method, path, strings.NewReader(body))
	r.Header.Set("Client-Address", client)
	return r
}

func TestPublicDoor_SignsInWithAStrictCookieOfThisHostAlone(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := url.Values{formField: {s.formToken("/login")}, "password": {s.accounts.password}}
	answer := s.post("/login", form)
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("sign in: %d %v", answer.StatusCode, answer.Cookies())
	}
	cookie := answer.Cookies()[0]
	if cookie.Name != "__Host-berth" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Domain != "" || cookie.Path != "/" {
		t.Errorf("the cookie is %+v", cookie)
	}
	if page := s.get("/admin"); page.StatusCode != http.StatusOK || page.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("dashboard: %d %v", page.StatusCode, page.Header)
	}
}

func TestPublicDoor_AFloodOfOneAddressLimitsThatAddressAlone(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t, func(o *Options) {
		o.Limits = openLimits(t, freshLedger(t), time.Now, limit.Budgets{limit.Default: {{Requests: 20, Span: time.Hour}}})
	})
	limited := 0
	for i := range 40 {
		r := s.from("198.51.100.9", http.MethodGet, "/login", "")
		// What a client says of itself the proxy drops; what it does not drop nobody reads.
		r.Header.Set("X-Real-Ip", "192.0.2."+string(rune('0'+i%10)))
		r.Header.Set("Forwarded", "for=192.0.2.77")
		r.Header.Set("Client-Ip", "192.0.2.78")
		if s.do(r).StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 20 {
		t.Errorf("%d of 40 were refused, want 20", limited)
	}
	if other := s.do(s.from("198.51.100.10", http.MethodGet, "/login", "")); other.StatusCode != http.StatusOK {
		t.Errorf("another address: %d", other.StatusCode)
	}
}

func TestPublicDoor_AnotherSiteOfTheSameDomainChangesNothing(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	token := s.signIn()
	for _, header := range [][2]string{{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://shop.example.com"}} {
		r := s.request(http.MethodPost, "/logout", strings.NewReader(url.Values{formField: {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header[0], header[1])
		if answer := s.do(r); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %d", header, answer.StatusCode)
		}
	}
}

func TestPublicDoor_StreamsComeAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	s.anApp("hello")
	s.signIn()
	response, err := s.client.Do(s.request(http.MethodGet, "/admin/apps/hello/releases/1/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); response.StatusCode != http.StatusOK || err != nil || line == "" {
		t.Errorf("%d %q %v", response.StatusCode, line, err)
	}
}
