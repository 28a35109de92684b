package router

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/controller/app"
)

// traversals are spellings of ../../etc/passwd and its kin, as they stand in a
// request line.
var traversals = []string{
	"../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%2E%2E/%2E%2E/etc/passwd",
	"..%252f..%252fetc%252fpasswd", "%252e%252e%252fetc%252fpasswd", "%25252e%25252e%25252fetc",
	"..%5c..%5cetc%5cpasswd", `..\..\etc\passwd`, "%2e%2e%5cetc", "..%c0%af..%c0%afetc", "%c0%ae%c0%ae/etc", "%e0%80%ae%e0%80%ae/",
	"hello%00", "hello%00.zip", "hello%0a", "hello%0d%0aSet-Cookie:x=1", "%2e", "%2e%2e", ".", "..", "hello%2f..", "./hello",
	"%ff%fe", "hello%7f", strings.Repeat("a", 2000),
}

// malformedIDs cannot be the name of an app; that they are no path is not enough.
var malformedIDs = []string{
	"Hello", "-hello", "hello-", "hel_lo", "hello%20", "%20", "hello%2fworld", "hello.zip", "%e2%80%a5", "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
	"hello'--", "hello%22%3e%3cscript%3e", "~", "*", "a:b", "%25", "$(id)", "%60id%60", "%7b%7b.%7d%7d", strings.Repeat("a", 41),
}

// raw sends one request line as it stands: a client of the standard library would
// mend it. What the server's own parser refuses is its 400.
func (s *site) raw(line string, header ...string) *http.Response {
	s.t.Helper()
	text := strings.Join(append([]string{line + " HTTP/1.1"}, header...), "\r\n") + "\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return &http.Response{StatusCode: http.StatusBadRequest}
	}
	r.TLS, r.RemoteAddr = &tls.ConnectionState{}, "127.0.0.1:4000"
	recorder := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func TestPath_TraversalInAnyIDIsMalformed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	cookie := "Cookie: __Host-berth=" + s.cookie("__Host-berth")
	for _, r := range new(admin).routes() {
		for _, parameter := range []string{":name", ":number", ":id"} {
			if !strings.Contains(r.path, parameter) {
				continue
			}
			authority := []string{"Host: berth.localhost", cookie}
			if r.access.scope != "" && !r.access.session {
				authority = []string{"Host: berth.localhost", "Authorization: Bearer " + adminToken}
			}
			if r.access.session && r.method != http.MethodGet {
				continue // the form token is asked for first; see TestPath_TraversalIsRefusedBeforeAnythingElse
			}
			for _, spelling := range append(traversals, malformedIDs...) {
				path := concrete(strings.Replace(r.path, parameter, spelling, 1))
				if response := s.raw(r.method+" "+path, authority...); response.StatusCode != http.StatusBadRequest {
					t.Errorf("%s %.100s: %d", r.method, path, response.StatusCode)
				}
			}
		}
	}
	for _, call := range s.apps.called() {
		t.Errorf("reached the controller: %s", call)
	}
}

func TestPath_TraversalIsRefusedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, before := range []string{"/", "/static/", "/admin/apps/", "/nothing/", "/api/v1/apps/", "/static/vendor/"} {
		for _, spelling := range traversals {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				response := s.raw(method+" "+before+spelling, "Host: berth.localhost", "Content-Length: 0")
				if response.StatusCode != http.StatusBadRequest {
					t.Errorf("%s %s%.80s: %d", method, before, spelling, response.StatusCode)
				}
			}
		}
	}
}

func TestPath_NumbersAreReadStrictly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, number := range []string{"0", "-1", "+1", "01", "1.0", "1e0", "0x1", "%201", "1%20", "x", "9223372036854775808", "%d9%a1"} {
		answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/"+number, "")
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", number, answer.StatusCode)
		}
	}
	if answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/999", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("one that could be: %d", answer.StatusCode)
	}
}

func TestPath_MalformedOneIsSaidOnAPageAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	page := s.get("/admin/apps/Hello")
	mustContain(t, page.body, "cannot be the name of an app", "1 to 40 lower-case letters")
	api := s.bearer(readToken, http.MethodGet, "/api/v1/apps/Hello", "")
	mustContain(t, api.body, `"status":400`, "cannot be the name of an app")
	hidden := s.get("/admin/apps/..%2f..%2fetc%2fpasswd")
	mustContain(t, hidden.body, "<!doctype html>", "not an address of Berth")
	if strings.Contains(hidden.body, "passwd") {
		t.Error("the page repeats the address")
	}
}

func TestUpload_FileNameWithAPathIsMalformed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	for _, name := range []string{
		"../../etc/passwd", "/etc/passwd", `..\\..\\app.zip`, `C:\\app.zip`, "..", ".", "folder/app.zip", "..%2fapp.zip", "%252e%252e%252fapp.zip",
		"app\x00.zip", "app\x1b[31m.zip", "app\xff.zip", strings.Repeat("a", 300) + ".zip",
	} {
		fields := []part{{"csrf_token", token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}, {"archive", "PK", name}}
		for path, bearer := range map[string]string{"/upload": "", "/api/v1/apps": deployToken} {
			if answer := s.upload(path, bearer, fields...); answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s with %.60q: %d", path, name, answer.StatusCode)
			}
		}
	}
	for _, call := range s.apps.called() {
		t.Errorf("reached the controller: %s", call)
	}
	fields := []part{{"csrf_token", token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}, {"archive", "PK", "100% of Zoë's app (2).tar.gz"}}
	if answer := s.upload("/upload", "", fields...); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("an honest name: %d %.300s", answer.StatusCode, answer.body)
	}
}

func FuzzPath_NoSpellingReachesAnotherApp(f *testing.F) {
	for _, spelling := range append(traversals, malformedIDs...) {
		f.Add(spelling)
	}
	s := newSite(f)
	s.anApp("hello")
	f.Fuzz(func(t *testing.T, spelling string) {
		r, err := http.NewRequest(http.MethodGet, "https://berth.localhost/api/v1/apps/"+spelling, nil)
		if err != nil || strings.ContainsAny(spelling, "?#") {
			t.Skip()
		}
		r.Header.Set("Authorization", "Bearer "+readToken)
		recorder := httptest.NewRecorder()
		s.server.Config.Handler.ServeHTTP(recorder, r)
		_, err = app.ParseName(spelling)
		known := err == nil || strings.HasPrefix(spelling, "hello/releases") || spelling == ""
		if recorder.Code == http.StatusOK && !known {
			t.Errorf("%q was found", spelling)
		}
	})
}
