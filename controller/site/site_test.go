package site

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "this is a secret"

var script = strings.Repeat("console.log('hello, whoever reads this');\n", 200)

// files is a site with all that a site may hold, and something beside it that no
// request may reach.
func files(t testing.TB) string {
	t.Helper()
	parent := t.TempDir()
	folder := filepath.Join(parent, "site")
	for name, content := range map[string]string{
		"../secret.txt": secret, "../site-2/index.html": secret,
		".env": secret, ".git/config": secret, "docs/.htpasswd": secret, ".well-known/.hidden": secret,
		".well-known/security.txt": "Contact: me",
		"index.html":               "<!doctype html><title>Home</title>", "404.html": "<!doctype html>not here",
		"about.html": "<!doctype html>about", "docs/index.html": "<!doctype html>docs", "docs/a b.txt": "a b",
		"empty/x.bin": "\x00\x01", "app.js": script, "assets/index-Bx3kQ_9a.js": script,
		"pre.css": strings.Repeat("a{}", 500), "pre.css.br": "BROTLI", "pre.css.gz": "GZIP",
		"old.html": "<meta charset=iso-8859-1>caf\xe9", "LICENSE": "Do what you like", "data.unknown": "?", "zero.txt": "",
		"numbers.txt": "0123456789",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"outside.txt": "../secret.txt", "rooted.txt": "/etc/passwd", "outside": "..", "inside.txt": "numbers.txt", "docs/up": "../../",
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func open(t testing.TB, o Options) *Site {
	t.Helper()
	s, err := Open(files(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

type answer struct {
	*http.Response
	text string
}

// ask sends one request over a real connection; headers are names and values in turn.
func ask(t *testing.T, server *httptest.Server, method, path string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(text)}
}

func serving(t *testing.T, o Options) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(open(t, o))
	t.Cleanup(server.Close)
	return server
}

func TestSite_ServesFilesWithTheirTypes(t *testing.T) {
	server := serving(t, Options{})
	for path, want := range map[string]struct{ kind, lifetime, text string }{
		"/":                         {"text/html; charset=utf-8", "no-cache", "Home"},
		"/index.html":               {"text/html; charset=utf-8", "no-cache", "Home"},
		"/about":                    {"text/html; charset=utf-8", "no-cache", "about"},
		"/docs/":                    {"text/html; charset=utf-8", "no-cache", "docs"},
		"/docs/a%20b.txt":           {"text/plain; charset=utf-8", "no-cache", "a b"},
		"/app.js":                   {"text/javascript; charset=utf-8", "no-cache", "console"},
		"/assets/index-Bx3kQ_9a.js": {"text/javascript; charset=utf-8", lifetimeForever, "console"},
		"/old.html":                 {"text/html", "no-cache", "caf"},
		"/LICENSE":                  {"text/plain; charset=utf-8", "no-cache", "Do what"},
		"/data.unknown":             {"application/octet-stream", "no-cache", "?"},
		"/.well-known/security.txt": {"text/plain; charset=utf-8", "no-cache", "Contact"},
		"/inside.txt":               {"text/plain; charset=utf-8", "no-cache", "0123456789"},
		"/zero.txt":                 {"text/plain; charset=utf-8", "no-cache", ""},
		"/index.html?x=1":           {"text/html; charset=utf-8", "no-cache", "Home"},
	} {
		got := ask(t, server, http.MethodGet, path)
		if got.StatusCode != http.StatusOK || !strings.Contains(got.text, want.text) {
			t.Errorf("%s: %s %q", path, got.Status, got.text)
		}
		for name, value := range map[string]string{"Content-Type": want.kind, "Cache-Control": want.lifetime, "X-Content-Type-Options": "nosniff"} {
			if got.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Header.Get(name), value)
			}
		}
	}
}

func TestSite_AnswersWithItsOwnPageWhereThereIsNone(t *testing.T) {
	server := serving(t, Options{})
	for _, path := range []string{"/nothing", "/empty/", "/docs/nothing.txt", "/app.js/", "/404"} {
		got := ask(t, server, http.MethodGet, path)
		if path == "/404" {
			continue // the page itself may be read
		}
		if got.StatusCode != http.StatusNotFound || !strings.Contains(got.text, "not here") || got.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %s %q", path, got.Status, got.text)
		}
	}
	empty, err := Open(t.TempDir(), Options{Fallback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	bare := httptest.NewServer(empty)
	defer bare.Close()
	if got := ask(t, bare, http.MethodGet, "/"); got.StatusCode != http.StatusNotFound || !strings.Contains(got.text, "no such page") {
		t.Errorf("an empty site: %s %q", got.Status, got.text)
	}
}

// TestSite_ServesNothingHiddenOrOutside sends every path as it stands, over a
// connection of its own, because clients tidy paths up.
func TestSite_ServesNothingHiddenOrOutside(t *testing.T) {
	server := serving(t, Options{})
	for _, path := range []string{
		"/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/.%2e/secret.txt", "/docs/../../secret.txt",
		"/docs/..%2f..%2fsecret.txt", "//../secret.txt", "/..\\secret.txt", "/..%5csecret.txt", "/%c0%ae%c0%ae/secret.txt", "/..;/secret.txt",
		"/.../secret.txt", "/....//secret.txt", "/%252e%252e/secret.txt", "/./../secret.txt", "/docs/%00../../secret.txt", "/secret.txt%00.html",
		"/../site-2/", "/../site-2/index.html", "/outside.txt", "/rooted.txt", "/outside/secret.txt", "/docs/up/secret.txt", "//etc/passwd", "/etc/passwd",
		"/.env", "/%2eenv", "/.git/config", "/docs/.htpasswd", "/docs/%2ehtpasswd", "/.well-known/.hidden", "/.well-known/../.env", "/docs//.htpasswd",
		"/.git/", "/.env/", "/./.env", "/.well-known", "/.well-known/", "/.ENV", "/.git",
	} {
		status, text := askRaw(t, server, path)
		if strings.Contains(text, secret) || strings.Contains(text, "root:") {
			t.Errorf("%s is served: %q", path, text)
		}
		if status != http.StatusNotFound && status != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func askRaw(t *testing.T, server *httptest.Server, path string) (status int, text string) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n", path)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func TestSite_ListsNoFolder(t *testing.T) {
	server := serving(t, Options{})
	for _, path := range []string{"/empty/", "/empty", "/assets/", "/assets"} {
		if got := ask(t, server, http.MethodGet, path); got.StatusCode != http.StatusNotFound || strings.Contains(got.text, "x.bin") {
			t.Errorf("%s: %s %q", path, got.Status, got.text)
		}
	}
}

func TestSite_RedirectsToAFolderWhereverItsRouteIs(t *testing.T) {
	server := serving(t, Options{})
	got := ask(t, server, http.MethodGet, "/docs?q=1")
	if got.StatusCode != http.StatusPermanentRedirect || got.Header.Get("Location") != "./docs/?q=1" {
		t.Errorf("%s to %q", got.Status, got.Header.Get("Location"))
	}
}

func TestSite_RedirectsToNoOtherHost(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"evil.example", "https:", "a:b", "javascript:alert(1)"} {
		response := httptest.NewRecorder()
		redirectToFolder(response, httptest.NewRequest(http.MethodGet, "/x", http.NoBody), name)
		if location := response.Header().Get("Location"); !strings.HasPrefix(location, "./") || strings.ContainsAny(location, "\r\n") {
			t.Errorf("%q leads to %q", name, location)
		}
	}
}

func TestSite_FallsBackToItsIndexForPathsOfTheBrowser(t *testing.T) {
	server := serving(t, Options{Fallback: true})
	for path, want := range map[string]int{
		"/users/7": http.StatusOK, "/users/": http.StatusOK, "/empty/": http.StatusOK,
		"/missing.js": http.StatusNotFound, "/a/b.png": http.StatusNotFound, "/.env": http.StatusNotFound, "/..%2fsecret": http.StatusNotFound,
	} {
		got := ask(t, server, http.MethodGet, path)
		if got.StatusCode != want || (want == http.StatusOK) != strings.Contains(got.text, "Home") {
			t.Errorf("%s: %s %q", path, got.Status, got.text)
		}
	}
}

func TestSite_AnswersOnlyToGetAndHead(t *testing.T) {
	server := serving(t, Options{})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace, "PROPFIND"} {
		got := ask(t, server, method, "/")
		if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s", method, got.Status)
		}
	}
	for _, path := range []string{"/app.js", "/nothing", "/docs/"} {
		whole, head := ask(t, server, http.MethodGet, path), ask(t, server, http.MethodHead, path)
		if head.text != "" || head.StatusCode != whole.StatusCode || head.ContentLength != whole.ContentLength || head.ContentLength != int64(len(whole.text)) {
			t.Errorf("HEAD %s: %s, %d bytes, want %d", path, head.Status, head.ContentLength, whole.ContentLength)
		}
	}
}

func TestSite_CompressesWhatIsWorthIt(t *testing.T) {
	server := serving(t, Options{})
	for _, c := range []struct{ path, accepts, encoding string }{
		{"/app.js", "gzip", "gzip"},
		{"/app.js", "br, gzip;q=0.5", "gzip"},
		{"/app.js", "*", "gzip"},
		{"/app.js", "x-gzip", "gzip"},
		{"/app.js", "gzip;q=0", ""},
		{"/app.js", "gzip;q=0.000, *;q=1", ""},
		{"/app.js", "gzip;q=x", ""},
		{"/app.js", "identity", ""},
		{"/app.js", "", ""},
		{"/pre.css", "gzip, deflate, br", "br"},
		{"/pre.css", "gzip", "gzip"},
		{"/pre.css", "br;q=0, gzip", "gzip"},
		{"/pre.css", "", ""},
		{"/numbers.txt", "gzip", ""},
		{"/empty/x.bin", "gzip", ""},
	} {
		got := ask(t, server, http.MethodGet, c.path, "Accept-Encoding", c.accepts)
		if got.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s with %q comes as %q, want %q", c.path, c.accepts, got.Header.Get("Content-Encoding"), c.encoding)
		}
		if got.ContentLength != int64(len(got.text)) {
			t.Errorf("%s with %q declares %d of %d bytes", c.path, c.accepts, got.ContentLength, len(got.text))
		}
		if varies := strings.HasSuffix(c.path, "s"); varies != (got.Header.Get("Vary") == "Accept-Encoding") {
			t.Errorf("%s: Vary is %q", c.path, got.Header.Get("Vary"))
		}
	}
	got := ask(t, server, http.MethodGet, "/app.js", "Accept-Encoding", "gzip")
	expanded, err := gzip.NewReader(strings.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(expanded); err != nil || string(text) != script {
		t.Errorf("it expands to %d bytes, %v", len(text), err)
	}
	if got := ask(t, server, http.MethodGet, "/pre.css", "Accept-Encoding", "br"); got.text != "BROTLI" {
		t.Errorf("the file made beforehand is not sent: %q", got.text)
	}
}

func TestSite_TagsEveryFormByItself(t *testing.T) {
	server := serving(t, Options{})
	plain := ask(t, server, http.MethodGet, "/app.js")
	packed := ask(t, server, http.MethodGet, "/app.js", "Accept-Encoding", "gzip")
	twin := ask(t, server, http.MethodGet, "/assets/index-Bx3kQ_9a.js")
	tag := plain.Header.Get("ETag")
	if tag == "" || strings.HasPrefix(tag, "W/") || tag == packed.Header.Get("ETag") || tag != twin.Header.Get("ETag") {
		t.Errorf("tags are %q, %q and %q", tag, packed.Header.Get("ETag"), twin.Header.Get("ETag"))
	}
	if plain.Header.Get("Last-Modified") == "" {
		t.Error("there is no Last-Modified")
	}
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"the same", []string{"If-None-Match", tag}, 304},
		{"one of several", []string{"If-None-Match", `"x", ` + tag}, 304},
		{"any", []string{"If-None-Match", "*"}, 304},
		{"another", []string{"If-None-Match", `"x"`}, 200},
		{"of another form", []string{"If-None-Match", tag, "Accept-Encoding", "gzip"}, 200},
		{"the same form", []string{"If-None-Match", packed.Header.Get("ETag"), "Accept-Encoding", "gzip"}, 304},
		{"a date", []string{"If-Modified-Since", plain.Header.Get("Last-Modified")}, 304},
		{"must be another", []string{"If-Match", `"x"`}, 412},
		{"must be another form", []string{"If-Match", `"x"`, "Accept-Encoding", "gzip"}, 412},
	} {
		got := ask(t, server, http.MethodGet, "/app.js", c.headers...)
		if got.StatusCode != c.want || (c.want != 200) != (got.text == "") {
			t.Errorf("%s: %s, %d bytes", c.name, got.Status, len(got.text))
		}
	}
}

func TestSite_SendsParts(t *testing.T) {
	server := serving(t, Options{})
	tag := ask(t, server, http.MethodGet, "/numbers.txt").Header.Get("ETag")
	for _, c := range []struct {
		headers []string
		status  int
		text    string
	}{
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-3"}, 206, "789"},
		{[]string{"Range", "bytes=20-"}, 416, ""},
		{[]string{"Range", "bytes=0-1", "If-Range", tag}, 206, "01"},
		{[]string{"Range", "bytes=0-1", "If-Range", `"old"`}, 200, "0123456789"},
	} {
		got := ask(t, server, http.MethodGet, "/numbers.txt", c.headers...)
		if got.StatusCode != c.status || (c.text != "" && got.text != c.text) {
			t.Errorf("%q: %s %q", c.headers, got.Status, got.text)
		}
	}
	got := ask(t, server, http.MethodGet, "/app.js", "Range", "bytes=0-6", "Accept-Encoding", "gzip")
	if got.StatusCode != http.StatusPartialContent || got.text != script[:7] || got.Header.Get("Content-Encoding") != "" {
		t.Errorf("a part beside gzip: %s %q %q", got.Status, got.text, got.Header.Get("Content-Encoding"))
	}
}

func TestSite_KeepsNoMoreThanItsShareOfMemory(t *testing.T) {
	s := open(t, Options{})
	s.kept.bytes.Store(keptBytes)
	server := httptest.NewServer(s)
	defer server.Close()
	if got := ask(t, server, http.MethodGet, "/app.js", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" || got.text != script {
		t.Errorf("it comes as %q", got.Header.Get("Content-Encoding"))
	}
}

func TestSite_TagsALargeFileWithoutReadingItWhole(t *testing.T) {
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "film.mp4"))
	if err == nil {
		err = file.Truncate(hashedBytes + 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	s, err := Open(folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	got := ask(t, server, http.MethodHead, "/film.mp4")
	if got.ContentLength != hashedBytes+1 || !strings.Contains(got.Header.Get("ETag"), process) || got.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("got %v", got.Header)
	}
}

func TestLifetime_IsForEverOnlyWhereTheNameHoldsAHash(t *testing.T) {
	for name, forever := range map[string]bool{
		"main.3f2a91bc.js": true, "css/app-0123456789abcdef.min.css": true, "assets/index-Bx3kQ_9a.js": true, "_next/static/chunks/main.js": true,
		"_app/immutable/x.js": true, "a/_astro/logo.png": true, "chunk.12ab34cd56ef7890.js.map": true,
		"index.html": false, "report-20240131.pdf": false, "js/app-userData.js": false, "main-Overview.js": false, "photo-iPhone15.png": false,
		"page.3f2a91bc.html": false, "3f2a91bc.js": false, "lib-deadbeef.js": false, "bootstrap.min.js": false, "_next/static/": false,
	} {
		if got := lifetimeOf(name) == lifetimeForever; got != forever {
			t.Errorf("%s: for ever is %v", name, got)
		}
	}
}

func TestServe_FinishesAnswersUnderWayWhenItIsStopped(t *testing.T) {
	folder := t.TempDir()
	const size = 20 << 20 // more than the buffers of the connection
	if err := os.WriteFile(filepath.Join(folder, "film.mp4"), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener, slog.New(slog.DiscardHandler)) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/film.mp4", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := new(http.Transport).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	stop()
	if n, err := io.Copy(io.Discard, response.Body); n != size || err != nil {
		t.Errorf("the answer under way ended after %d bytes, %v", n, err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(drainTime + 2*time.Second):
		t.Fatal("it does not stop")
	}
}

func TestTextCheck_JudgesTheSameHoweverTheContentIsCut(t *testing.T) {
	for text, want := range map[string]bool{
		"plain": true, "größe €uro 😀 end": true, "ends with 😀": true, "caf\xe9": false, "caf\xe9 more": false, "zero\x00": false, "cut \xf0\x9f": false, "": true,
	} {
		for size := 1; size <= len(text)+1; size++ {
			check := &textCheck{}
			for rest := []byte(text); len(rest) > 0; {
				n := min(size, len(rest))
				_, _ = check.Write(rest[:n])
				rest = rest[n:]
			}
			if check.isText() != want || !bytes.Equal(check.head, []byte(text)) {
				t.Errorf("%q in pieces of %d: text is %v", text, size, check.isText())
			}
		}
	}
}

// FuzzPath looks for a path that leads out of the folder or to something hidden.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "/../x", "/%2e%2e/x", "/.env", "/a//b", "/a/./b", "/.well-known/x", "/a%00", "/..%5c"} {
		f.Add(seed)
	}
	s := open(f, Options{})
	f.Fuzz(func(t *testing.T, path string) {
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			return
		}
		response := httptest.NewRecorder()
		s.ServeHTTP(response, request)
		if strings.Contains(response.Body.String(), secret) {
			t.Errorf("%q is served", path)
		}
	})
}

// BenchmarkSite compares with the standard library's server, which neither tags
// nor compresses.
func BenchmarkSite(b *testing.B) {
	folder := files(b)
	s, err := Open(folder, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		name    string
		handler http.Handler
		accepts string
	}{
		{"standard", http.FileServer(http.Dir(folder)), ""},
		{"plain", s, ""},
		{"gzip", s, "gzip"},
	} {
		b.Run(c.name, func(b *testing.B) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}}
			defer client.CloseIdleConnections()
			b.SetBytes(int64(len(script)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					request, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/app.js", http.NoBody)
					request.Header.Set("Accept-Encoding", c.accepts)
					response, err := client.Do(request)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
			})
		})
	}
}
