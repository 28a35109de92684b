package router

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOrigin_RefusesHostsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.AdminHosts = []string{"Berth.Example.com"} })
	for host, want := range map[string]int{
		"berth.localhost:8001": 200, "BERTH.localhost.": 200,
		"localhost:8001": 307, "127.0.0.1": 307, "[::1]:8001": 307, "LOCALHOST.": 307, "berth.example.com:8001": 307,
		"attacker.example": 403, "127.0.0.1.attacker.example": 403, "localhost.attacker.example:8001": 403,
		"192.0.2.7": 403, "": 403, "localhost:8001:9": 403, "localhost:abc": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "https://localhost/login", nil)
		r.Host = host
		recorder := httptest.NewRecorder()
		s.server.Config.Handler.ServeHTTP(recorder, r)
		if recorder.Code != want {
			t.Errorf("host %q: %d, want %d", host, recorder.Code, want)
		}
	}
}

func TestOrigin_RefusesForeignHostsInEveryPlaceOfARequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for line, want := range map[string]int{
		"GET https://attacker.example/login":     403, // the absolute form wins over the header
		"GET http://attacker.example:8001/login": 403,
		"GET https://berth.localhost/login":      200,
		"GET //attacker.example/login":           404,
	} {
		if response := s.raw(line, "Host: berth.localhost"); response.StatusCode != want {
			t.Errorf("%s: %d, want %d", line, response.StatusCode, want)
		}
	}
	if response := s.raw("GET /login", "Host: berth.localhost", "Host: attacker.example"); response.StatusCode == http.StatusOK {
		t.Error("two hosts were taken for one")
	}
	for authority, want := range map[string]int{"attacker.example": 403, "berth.localhost:8001": 200} {
		r := s.request(http.MethodGet, "/login", nil)
		r.Host = authority // :authority in HTTP/2
		answer := s.do(r)
		if answer.ProtoMajor != 2 || answer.StatusCode != want {
			t.Errorf("%s %q: %d, want %d", answer.Proto, authority, answer.StatusCode, want)
		}
	}
}

func TestOrigin_AnswersToTheAddressItListensOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.request(http.MethodGet, "/healthz", nil)
	r.Host = s.server.Listener.Addr().String()
	if answer := s.do(r); answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestOrigin_RefusesFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for name, header := range map[string][2]string{
		"cross-site":     {"Sec-Fetch-Site", "cross-site"},
		"same-site":      {"Sec-Fetch-Site", "same-site"},
		"foreign origin": {"Origin", "https://attacker.example"},
		"null origin":    {"Origin", "null"},
	} {
		r := s.request(http.MethodPost, "/admin/apps/hello/stop", nil)
		r.Header.Set(header[0], header[1])
		if answer := s.do(r); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestOrigin_RefusesStreamsToOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://attacker.example"}} {
		for _, r := range new(admin).routes() {
			if !r.stream {
				continue
			}
			request := s.request(r.method, concrete(r.path), nil)
			request.Header.Set(header[0], header[1])
			if answer := s.do(request); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %q: %d", r.path, header, answer.StatusCode)
			}
		}
	}
}

func TestOrigin_LinkFromElsewhereArrivesSignedIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.request(http.MethodGet, "/admin", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	answer := s.do(r)
	mustContain(t, answer.body, `<meta http-equiv="refresh" content="0">`)
	if s.cookie("__Host-berth-visitor") != "" {
		t.Error("a visit without cookies was given one")
	}
}
