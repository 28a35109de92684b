//go:build integration

// Package e2e tries a whole running Berth as its users and its attackers would:
// the real stack, the real engine, the real proxy, a real browser.
package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/test/claim"
	"berth/test/patience"
	"berth/test/stack"
)

// berth is the stack that every test of the package uses.
var berth *stack.Stack

// place is where that stack is.
var place stack.Place

// resolver is where the stack looks for its DNS server: the edge network's gateway is this machine. Nobody answers there
// but while a test does.
var resolver string

// publicPorts are those that apps of the stack may have: the first over TCP and UDP, the second over TCP.
var publicPorts []string

// artefacts is the folder for screenshots.
var artefacts string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	var err error
	if place, err = stack.Reserve("berth-e2e"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ports, err := claim.Ports("0.0.0.0", 3)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	metadata, remove := standInForMetadata(place)
	defer remove()
	resolver, publicPorts = net.JoinHostPort(place.Gateway, ports[0]), ports[1:]
	berth, err = stack.Start(ctx, stack.Options{Place: place, Log: os.Stdout, Environment: []string{
		"BERTH_RATELIMIT_UPLOAD=10000/1h", "BERTH_RATELIMIT_UPDATE=10000/1h", "BERTH_RATELIMIT_DEFAULT=1000000/1h", "BERTH_RATELIMIT_CONTAINERS=1000000/1h",
		"BERTH_RATELIMIT_LOGIN=1000/15m", // a stack of its own tries the limits
		"BERTH_PROBE_METADATA=" + metadata,
		"BERTH_VOLUME_QUOTA=256m", "BERTH_RESOLVER=" + resolver, "BERTH_PUBLIC_ADDRESSES=198.51.100.7", "BERTH_EGRESS_PRIVATE=allow",
		fmt.Sprintf("BERTH_PORTS=%[1]s,%[1]s/udp,%[2]s", publicPorts[0], publicPorts[1]),
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer berth.Remove()
	artefacts = filepath.Join(berth.Repository(), "artefacts")
	if err := os.MkdirAll(artefacts, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return max(m.Run(), refused())
}

// refused is 1, with the fields on the terminal, if the broker refused a call of the
// controller during the tests: each is one that its table lacks.
func refused() int {
	log, err := stack.DockerOutput("logs", berth.Name+"-broker")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "refused a call") {
			fmt.Fprint(os.Stderr, "the broker "+line)
			code = 1
		}
	}
	return code
}

// appState is what the API says of an app.
type appState struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Release int64  `json:"release"`
}

// releaseState is what the API says of a release.
type releaseState struct {
	Number int64  `json:"number"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
}

// operator deploys over the API, and removes what it deployed when the test ends.
type operator struct {
	t      *testing.T
	client *http.Client
	token  string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	token, err := berth.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t: t, client: berth.AdminClient(), token: token}
}

// deploy uploads the test app in that mode as a new app and waits for its end.
func (o *operator) deploy(name, mode, version string) releaseState {
	o.t.Helper()
	o.upload(name, "/"+name, mode, version)
	o.t.Cleanup(func() { o.remove(name) })
	return o.wait(name)
}

// update uploads the next version and waits for its end.
func (o *operator) update(name, mode, version string) releaseState {
	o.t.Helper()
	o.upload(name, "", mode, version)
	return o.wait(name)
}

func (o *operator) upload(name, route, mode, version string) {
	o.t.Helper()
	archive, err := berth.App(mode, version)
	if err != nil {
		o.t.Fatal(err)
	}
	status, body := o.send(name, route, "app.zip", archive)
	if status != http.StatusSeeOther {
		o.t.Fatalf("upload of %s: got %d, want 303: %s", name, status, body)
	}
}

// send uploads any archive and returns how it was answered.
func (o *operator) send(name, route, fileName string, archive []byte) (status int, body string) {
	o.t.Helper()
	response, err := berth.Upload(o.t.Context(), o.client, o.token, name, route, fileName, archive)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// wait waits until no release of the app is under way, and returns the newest.
// logShown is how much of a failed release's log is in the test's output, in bytes.
const logShown = 2000

func (o *operator) wait(name string) releaseState {
	o.t.Helper()
	var answer struct{ Releases []releaseState }
	eventually(o.t, 2*time.Minute, "end of the release of "+name, func() bool {
		if _, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/apps/"+name+"/releases", &answer); err != nil {
			o.t.Fatal(err)
		}
		switch answer.Releases[0].State {
		case "queued", "building", "starting", "verifying":
			return false
		}
		return true
	})
	if answer.Releases[0].State == "failed" {
		log := o.logOf(name, answer.Releases[0].Number)
		o.t.Logf("log of %s r%d:\n%s", name, answer.Releases[0].Number, log[max(0, len(log)-logShown):])
	}
	return answer.Releases[0]
}

// logOf is the log of a release.
func (o *operator) logOf(name string, release int64) string {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, fmt.Sprintf("%s/api/v1/apps/%s/releases/%d/log", berth.Admin, name, release), http.NoBody)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	response, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

func (o *operator) app(name string) (found appState) {
	o.t.Helper()
	if _, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/apps/"+name, &found); err != nil {
		o.t.Fatal(err)
	}
	return found
}

func (o *operator) act(name, action string) {
	o.t.Helper()
	status, err := berth.API(o.t.Context(), o.token, http.MethodPost, "/api/v1/apps/"+name+"/"+action, nil)
	if err != nil || status >= 300 {
		o.t.Fatalf("%s %s: got %d, %v", action, name, status, err)
	}
}

func (o *operator) remove(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := berth.API(ctx, o.token, http.MethodDelete, "/api/v1/apps/"+name, nil); err != nil {
		o.t.Errorf("remove %s: %v", name, err)
	}
}

// visit asks the proxy for a path, as a visitor would.
func visit(t *testing.T, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Apps+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// answers waits until a path answers 200 with a text that holds want.
func answers(t *testing.T, within time.Duration, path, want string) {
	t.Helper()
	eventually(t, within, path+" to answer "+want, func() bool {
		status, body := visit(t, path)
		return status == http.StatusOK && strings.Contains(body, want)
	})
}

func eventually(t *testing.T, within time.Duration, what string, check func() bool) {
	t.Helper()
	if !patience.Eventually(within, check) {
		t.Fatalf("waited %s in vain for %s", patience.Of(within), what)
	}
}

// docker runs the docker client and fails the test where it fails.
func docker(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := stack.Docker(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
