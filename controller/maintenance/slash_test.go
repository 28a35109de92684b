package maintenance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/traefik"
)

func askSlash(method, target string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/", http.NoBody)
	request.RequestURI, request.Host = target, "visitor.example"
	request.Header.Set(traefik.PageHeader, traefik.PageSlash)
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, request)
	return answer
}

func TestSlash_KeepsPathAndQueryByteForByte(t *testing.T) {
	for target, want := range map[string]string{
		"/app":                      "/app/",
		"/app?":                     "/app/?",
		"/app?a=%41&b=x+y&c;d&&e=?": "/app/?a=%41&b=x+y&c;d&&e=?",
		"/app?to=//evil.example/":   "/app/?to=//evil.example/",
		"/shop/a%70i?x=%zz":         "/shop/a%70i/?x=%zz",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := askSlash(method, target)
			if got.Code != http.StatusPermanentRedirect || got.Header().Get("Location") != want || got.Body.Len() != 0 {
				t.Errorf("%s %s: %d to %q", method, target, got.Code, got.Header().Get("Location"))
			}
		}
	}
}

func TestSlash_LeadsToNoOtherHost(t *testing.T) {
	for _, target := range []string{
		"//evil.example", "///evil.example", "/", "", "*", "http://evil.example/app", "/\\evil.example", "\\\\evil.example",
		"/app//evil", "/\tapp", "/app\r\nX: y", "/app/", "evil.example:443", "/ü",
	} {
		got := askSlash(http.MethodGet, target)
		if got.Code != http.StatusNotFound || got.Header().Get("Location") != "" {
			t.Errorf("%q: %d to %q", target, got.Code, got.Header().Get("Location"))
		}
	}
}

func FuzzSlash(f *testing.F) {
	f.Add("/app?x=y")
	f.Add("//evil.example")
	f.Fuzz(func(t *testing.T, target string) {
		location, ok := withSlash(target)
		if !ok {
			return
		}
		if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.HasPrefix(location, "/\\") {
			t.Fatalf("%q leads to %q", target, location)
		}
		path, query, asked := strings.Cut(target, "?")
		want := path + "/"
		if asked {
			want += "?" + query
		}
		if location != want {
			t.Fatalf("%q leads to %q", target, location)
		}
	})
}
