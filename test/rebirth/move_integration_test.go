//go:build integration

package rebirth

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"berth/controller/pinned"
	"berth/test/patience"
)

// between is an address of no interface, at which the other server is reached: no server
// moves an app to an address of its own machine, and here both are on one.
const between = "10.223.77.1"

// doorOf leads from an address in a private network to the server. It returns the address
// and the fingerprint of its certificate.
func doorOf(t *testing.T, s *server) (address, fingerprint string) {
	t.Helper()
	if out, err := exec.Command("ip", "route", "replace", "local", between+"/32", "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("no address for the other server: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "route", "del", "local", between+"/32", "dev", "lo").Run() })
	listener, err := net.Listen("tcp", between+":0")
	s.must(err)
	to, err := url.Parse(s.Admin)
	s.must(err)
	door := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) }, // and the name with it: the server answers to its own alone
		Transport: s.AdminClient().Transport,
	})
	_ = door.Listener.Close()
	door.Listener = listener
	door.StartTLS()
	t.Cleanup(door.Close)
	return door.URL, pinned.FingerprintOf(door.Certificate())
}

// moveState is what the API says of a move.
type moveState struct {
	State, Step, Reason, Hint, Redirect string
}

func TestMove_AnAppWithDataAndASecretGoesToAnotherServer(t *testing.T) {
	here, there := start(t), start(t)
	files := here.files()
	files["compose.yaml"] = []byte(strings.Replace(composeFile, "    build: .\n", "    build: .\n    environment: {PASSPHRASE: \"${PASSPHRASE-none}\"}\n", 1))
	here.must(here.Deploy(t.Context(), here.token, "book", "/book", files))
	here.wantAnswer("/book/")
	here.send("PATCH", "/apps/book/environment", `{"secrets": {"PASSPHRASE": "hush hush"}}`, nil)
	here.send("POST", "/apps/book/environment/apply", "", nil)
	if !patience.Eventually(time.Minute, func() bool { return strings.Contains(bodyOf(t, here.Apps+"/book/environ"), "hush hush") }) {
		t.Fatal("the app has no secret here")
	}
	rows := make([]byte, 6<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(rows)
	here.ask(http.MethodPut, rows)

	address, fingerprint := doorOf(t, there)
	wish, err := json.Marshal(map[string]any{"to": address, "token": there.token, "fingerprint": fingerprint, "private": true})
	here.must(err)
	began := time.Now()
	here.send("POST", "/apps/book/move", string(wish), nil)
	here.Kill() // wherever it is, it goes on
	here.must(here.Start())
	var move moveState
	ended := patience.Eventually(3*time.Minute, func() bool {
		here.send("GET", "/apps/book/move", "", &move)
		return move.State != "running"
	})
	if !ended || move.State != "done" {
		t.Fatalf("the move: %+v\nhere:\n%s\nthere:\n%s", move, here.Log(), there.Log())
	}
	t.Logf("moved in %s to %s. %s", time.Since(began).Round(time.Millisecond), move.Redirect, move.Reason)

	there.wantAnswer("/book/")
	if was, is := sha256.Sum256(rows), sha256.Sum256(there.ask(http.MethodGet, nil)); was != is {
		t.Error("the volume differs")
	}
	if was, is := sha256.Sum256(rows), sha256.Sum256(here.ask(http.MethodGet, nil)); was != is {
		t.Error("the volume here is no longer what it was")
	}
	if body := bodyOf(t, there.Apps+"/book/environ"); !strings.Contains(body, "PASSPHRASE=hush hush") {
		t.Error("the secret is not there")
	}

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var status int
	var location string
	redirects := patience.Eventually(time.Minute, func() bool {
		response, err := client.Post(here.Apps+"/book/rows?page=2", "text/plain", strings.NewReader("a row"))
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		status, location = response.StatusCode, response.Header.Get("Location")
		return status == http.StatusTemporaryRedirect
	})
	if want := strings.TrimSuffix(move.Redirect, "/") + "/rows?page=2"; !redirects || move.Redirect == "" || location != want {
		t.Errorf("the old address answers %d to %q, want %q", status, location, want)
	}
	here.send("DELETE", "/apps/book/move", "", nil)
	over := patience.Eventually(time.Minute, func() bool {
		response, err := client.Get(here.Apps + "/book/")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		status = response.StatusCode
		return status >= http.StatusInternalServerError // the app is stopped, and the test has nobody who shows pages
	})
	if !over {
		t.Errorf("after the end the old address answers %d", status)
	}
	if logs := here.Log() + there.Log(); strings.Contains(logs, there.token) || strings.Contains(logs, "hush hush") {
		t.Error("a secret is in a log")
	}
}

func bodyOf(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s", response.Status, body)
}
