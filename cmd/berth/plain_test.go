package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller/connections"
	"berth/traefik"
)

// plainly sends a request without TLS, and its body after it.
func (f *frontDoor) plainly(method, path, host, body string) *http.Response {
	f.t.Helper()
	connection := f.dial()
	_, err := fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", method, path, host, len(body), body)
	if err != nil {
		f.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func never(t *testing.T) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the handler got %s %s", r.Method, r.URL) }
}

func TestPlain_IsToldToUseHTTPS(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, never(t))
	response := f.plainly("GET", "/admin", f.address, "")
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "use https://") {
		t.Errorf("%d %q, %v", response.StatusCode, body, err)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Location": ""} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestPlain_IsRedirectedWhereHTTPSIsForced(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{ForceHTTPS: true, AdminHosts: []traefik.Host{"berth.example.com"}}, never(t))
	for _, host := range []string{f.address, "localhost:8001", "LOCALHOST", "[::1]:8001", "berth.example.com"} {
		response := f.plainly("GET", "/admin%2fx?a=1&b=%20", host, "")
		if want := "https://" + host + "/admin%2fx?a=1&b=%20"; response.StatusCode != http.StatusPermanentRedirect || response.Header.Get("Location") != want {
			t.Errorf("%d to %q, want %q", response.StatusCode, response.Header.Get("Location"), want)
		}
	}
}

func TestPlain_RedirectsToNoForeignHostAndSendsNoFormOn(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{ForceHTTPS: true}, never(t))
	for _, host := range []string{"attacker.example", "localhost.attacker.example", "localhost:99999", "user@localhost", "127.0.0.1:80@attacker.example", ""} {
		response := f.plainly("GET", "/admin", host, "")
		if response.StatusCode != http.StatusBadRequest || response.Header.Get("Location") != "" {
			t.Errorf("%q: %d to %q", host, response.StatusCode, response.Header.Get("Location"))
		}
	}
	if response := f.plainly("GET", "https://attacker.example/x", "localhost", ""); response.Header.Get("Location") != "" {
		t.Errorf("absolute form: to %q", response.Header.Get("Location"))
	}
	if response := f.plainly("GET", "//attacker.example/x", "localhost", ""); strings.HasPrefix(response.Header.Get("Location"), "https://attacker") {
		t.Errorf("two slashes: to %q", response.Header.Get("Location"))
	}
	if response := f.plainly("POST", "/login", "localhost", "password=secret"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("a form: %d", response.StatusCode)
	}
}

func TestPlain_CutsOffWhoIsSlowAndWhoSpeaksSomethingElse(t *testing.T) {
	t.Parallel()
	limits := short()
	limits.connections = connections.Limit{Total: 50, PerAddress: 50}
	f := openFrontDoor(t, limits, Config{ForceHTTPS: true}, never(t))
	slow := f.dial()
	go func() {
		for _, err := fmt.Fprint(slow, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "); err == nil; _, err = fmt.Fprint(slow, "a") {
			time.Sleep(50 * time.Millisecond)
		}
	}()
	expectCut(t, slow, "a plain head that does not end")

	for _, begin := range []string{"\x00\x00\x00\x00", "SSH-2.0-OpenSSH_9\r\n", "GET", "\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nHost: " + strings.Repeat("a", 100_000)} {
		odd := f.dial()
		_, _ = io.WriteString(odd, begin)
		if answered := expectCut(t, odd, fmt.Sprintf("%.20q", begin)); strings.Contains(answered, "200") || strings.Contains(answered, "308") {
			t.Errorf("%.20q was answered with %q", begin, answered)
		}
	}
}
