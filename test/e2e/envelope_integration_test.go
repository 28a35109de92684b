//go:build integration

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

var formTokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// formToken reads the form token of a page.
func formToken(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	found := formTokenField.FindSubmatch(page)
	if err != nil || found == nil {
		t.Fatalf("%s has no form token: %d %v %.300s", address, response.StatusCode, err, page)
	}
	return string(found[1])
}

// TestEnvelope_HoldsOnTheRunningStack attacks a stack of its own from outside,
// through TLS, with the limits as they are delivered.
func TestEnvelope_HoldsOnTheRunningStack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	own, err := stack.Reserve("berth-envelope")
	if err != nil {
		t.Fatal(err)
	}
	started, err := stack.Start(ctx, stack.Options{
		Place: own, Log: os.Stdout,
		// The narrow limit is what is tried; the wide one would hide it.
		Environment: []string{"BERTH_RATELIMIT_DEFAULT=1000000/1h"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Remove)
	e := &envelope{stack: started}
	t.Run("headers", e.headers)
	t.Run("old TLS, plain http, foreign hosts and climbing paths are refused", e.refuses)
	t.Run("files are the owner's alone", e.files)
	t.Run("200 guesses under 200 forged addresses are 5, also after a kill", e.guesses)
	t.Run("every route wants somebody", e.anonymous)
	t.Run("an edited audit log is found", e.audit)
}

type envelope struct{ stack *stack.Stack }

func (e *envelope) headers(t *testing.T) {
	client := e.stack.AdminClient()
	for path, cache := range map[string]string{"/login": "no-store", "/nothing": "no-store", "/healthz": "no-store", "/api/v1/apps": "no-store"} {
		response, err := client.Get(e.stack.Pages + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": cache,
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy is %q", path, policy)
		}
		if transport := response.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(transport, "max-age=") {
			t.Errorf("%s: Strict-Transport-Security is %q", path, transport)
		}
		for _, name := range []string{"Referrer-Policy", "Permissions-Policy"} {
			if response.Header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
}

func (e *envelope) refuses(t *testing.T) {
	host := strings.TrimPrefix(e.stack.Admin, "https://")
	if connection, err := tls.Dial("tcp", host, &tls.Config{RootCAs: e.stack.CA, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		connection.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if response, err := http.Get("http://" + host + "/"); err != nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("plain http: %v %v", response, err)
	}
	for path, change := range map[string]func(*http.Request){
		"/login": func(r *http.Request) { r.Host = "evil.example" },
	} {
		request, err := http.NewRequest(http.MethodGet, e.stack.Pages+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		change(request)
		response, err := e.stack.AdminClient().Do(request)
		if err != nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("foreign host: %v %v", response, err)
		}
	}
	token, err := e.stack.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cetc%5cpasswd", "a%00b", strings.Repeat("a", 300)} {
		status, err := e.stack.API(context.Background(), token, http.MethodGet, "/api/v1/apps/"+name, nil)
		if err != nil || status != http.StatusBadRequest {
			t.Errorf("%.60s: %d %v", name, status, err)
		}
	}
}

// files looks at the data folder from a container beside it.
func (e *envelope) files(t *testing.T) {
	listing, err := stack.Docker("run", "--rm", "--network", "none", "--label", "berth.stack="+e.stack.Name,
		"--volume", e.stack.Name+"-data:/data:ro", "berth-debian:bookworm", "find", "/data", "-printf", "%m %U %y %P\n")
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]string{}
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line)
		if fields[1] != "65532" {
			t.Errorf("of another owner: %s", line)
		}
		modes[strings.Join(fields[3:], " ")] = fields[0]
	}
	for name, want := range map[string]string{
		"": "700", "berth.db": "600", "secret.key": "600", "audit.log": "600", "tls/admin.key": "600", "tls/admin.crt": "644", "uploads": "700", "logs": "700",
	} {
		if modes[name] != want {
			t.Errorf("/data/%s has the mode %q, want %s", name, modes[name], want)
		}
	}
}

// guesses tries passwords as somebody who claims to come from everywhere.
func (e *envelope) guesses(t *testing.T) {
	tried, limited := e.guess(t, 200)
	if tried != 5 || limited != 195 {
		t.Errorf("%d guesses were tried and %d refused, want 5 and 195", tried, limited)
	}
	if _, err := stack.Docker("kill", "--signal", "KILL", e.stack.Controller()); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Docker("start", e.stack.Controller()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience.Of(30 * time.Second)); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if response, err := e.stack.AdminClient().Get(e.stack.Pages + "/healthz"); err == nil {
			response.Body.Close()
			break
		}
	}
	if tried, _ := e.guess(t, 3); tried != 0 {
		t.Errorf("after a kill %d guesses were tried", tried)
	}
	if printed, err := e.stack.Berth("limits", "--clear"); err != nil {
		t.Errorf("clear: %v %s", err, printed)
	}
	if tried, _ := e.guess(t, 1); tried != 1 {
		t.Error("the owner has no way in again")
	}
}

func (e *envelope) guess(t *testing.T, times int) (tried, limited int) {
	t.Helper()
	client := e.stack.AdminClient()
	var err error
	if client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"csrf_token": {formToken(t, client, e.stack.Pages+"/login")}}
	for i := range times {
		form.Set("password", fmt.Sprintf("guess-%d", i))
		form.Set("username", fmt.Sprintf("name-%d", i))
		request, err := http.NewRequest(http.MethodPost, e.stack.Pages+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		forged := fmt.Sprintf("203.0.113.%d", i)
		for name, value := range map[string]string{"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": "for=" + forged} {
			request.Header.Set(name, value)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		switch response.StatusCode {
		case http.StatusUnauthorized:
			tried++
		case http.StatusTooManyRequests:
			limited++
			if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 900 {
				t.Errorf("Retry-After is %q", response.Header.Get("Retry-After"))
			}
		default:
			t.Fatalf("guess %d: %d", i, response.StatusCode)
		}
	}
	return tried, limited
}

// anonymous asks for what the access table of the router lists.
func (e *envelope) anonymous(t *testing.T) {
	golden, err := os.ReadFile(e.stack.Repository() + "/router/testdata/access.golden")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for line := range strings.Lines(string(golden)) {
		fields := strings.Fields(line)
		if fields[0] == "#" || fields[2] == "yes" {
			continue
		}
		path := strings.NewReplacer(":name", "hello", ":number", "1", ":account", "admin", ":id", "1").Replace(fields[1])
		request, err := http.NewRequest(fields[0], e.stack.Pages+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := e.stack.AdminClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		toLogin := response.StatusCode == http.StatusSeeOther && strings.HasPrefix(response.Header.Get("Location"), "/login")
		if response.StatusCode != http.StatusUnauthorized && !toLogin {
			t.Errorf("%s %s: %d to %q", fields[0], path, response.StatusCode, response.Header.Get("Location"))
		}
		asked++
	}
	if asked < 40 {
		t.Errorf("only %d routes were asked", asked)
	}
}

// audit edits the file as somebody with access to the volume would.
func (e *envelope) audit(t *testing.T) {
	if printed, err := e.stack.Berth("server", "audit", "verify"); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	edit := `cp /data/audit.log /tmp/log && sed '3s/"timestamp":"20/"timestamp":"19/' /tmp/log >/data/audit.log && ! cmp -s /tmp/log /data/audit.log`
	if _, err := stack.Docker("run", "--rm", "--network", "none", "--label", "berth.stack="+e.stack.Name,
		"--volume", e.stack.Name+"-data:/data", "berth-debian:bookworm", "sh", "-c", edit); err != nil {
		t.Fatal(err)
	}
	printed, err := e.stack.Berth("server", "audit", "verify")
	if err == nil {
		t.Errorf("an edited entry passes: %s", printed)
	} else if !strings.Contains(err.Error(), "3") {
		t.Errorf("the verdict does not name the entry: %v", err)
	}
}
