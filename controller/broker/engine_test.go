package broker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/broker"
	"berth/controller/plan"
)

// engine records what the broker passes on, and answers what is looked up.
type engine struct {
	mu      sync.Mutex
	asked   []asked
	objects map[string]any // by path, without the version
	upgrade func(net.Conn) // what it does with a connection that it was given
}

type asked struct {
	method, path, query, body string
	header                    http.Header
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, path, versioned := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if path = "/" + path; !versioned {
		path = r.URL.Path
	}
	if path == "/containers/json" {
		path += "?" + r.URL.Query().Get("filters")
	}
	e.mu.Lock()
	found, there := e.objects[path]
	lookUp := r.Method == http.MethodGet && r.Header.Get("User-Agent") != "berth-broker"
	e.mu.Unlock()
	if lookUp {
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(found)
		return
	}
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.asked = append(e.asked, asked{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Clone()})
	e.mu.Unlock()
	if e.upgrade != nil && r.Header.Get("Upgrade") != "" {
		connection, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = buffered.WriteString("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n")
		_ = buffered.Flush()
		e.upgrade(connection)
		return
	}
	_, _ = io.WriteString(w, "{}")
}

// taken returns what was passed on since the last time.
func (e *engine) taken() []asked {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.asked
	e.asked = nil
	return taken
}

// labels are those of a thing of a stack.
func labels(stack, role string) map[string]string {
	return map[string]string{"berth.stack": stack, "berth.role": role, "berth.app": "hello", "berth.release": "1"}
}

// madeContainer is what the engine tells of one.
// closedLabels are those of a network that leads nowhere by itself.
func closedLabels() map[string]string {
	closed := labels("berth", "network")
	closed["berth.egress"] = "list"
	return closed
}

func madeContainer(id, stack, role, status string) map[string]any {
	return map[string]any{"Id": id, "Config": map[string]any{"Labels": labels(stack, role)}, "State": map[string]any{"Status": status, "StartedAt": "0001-01-01T00:00:00Z"}}
}

const (
	appID      = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	helperID   = "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"
	proxyID    = "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
	networkID  = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	probeNetID = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
	imageID    = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
)

func newEngine() *engine {
	e := &engine{objects: map[string]any{}}
	user := func(stack string) any { return []map[string]any{{"Id": appID, "Labels": labels(stack, "app")}} }
	nameless := func(volume string) string {
		return `/containers/json?{"volume":{"` + strings.Repeat(volume, 32) + `":true}}`
	}
	for path, object := range map[string]any{
		"/volumes/" + strings.Repeat("ab", 32): map[string]any{"Name": strings.Repeat("ab", 32), "Driver": "local"},
		"/volumes/" + strings.Repeat("cd", 32): map[string]any{"Name": strings.Repeat("cd", 32), "Driver": "local"},
		"/volumes/" + strings.Repeat("ef", 32): map[string]any{"Name": strings.Repeat("ef", 32), "Driver": "local"},
		nameless("ab"):                         user("other"),
		nameless("cd"):                         []any{},
		nameless("ef"):                         user("berth"),
		"/containers/berth-hello-r1/json":      madeContainer(appID, "berth", "app", "running"),
		"/containers/" + appID + "/json":       madeContainer(appID, "berth", "app", "running"),
		"/containers/berth-helper-x/json":      madeContainer(helperID, "berth", "helper", "created"),
		"/containers/berth-helper-ran/json":    madeContainer("ran", "berth", "helper", "exited"),
		"/containers/berth-traefik/json":       madeContainer(proxyID, "berth", "proxy", "running"),
		"/containers/berth-berth/json":         madeContainer("controller", "berth", "controller", "running"),
		"/containers/berth-broker/json":        madeContainer("broker", "berth", "broker", "running"),
		"/containers/other-hello-r1/json":      madeContainer("other", "other", "app", "running"),
		"/containers/nobodys/json":             madeContainer("nobodys", "", "", "running"),
		"/volumes/berth-transfer":              map[string]any{"Name": "berth-transfer", "Driver": "local", "Labels": labels("berth", "transfer")},
		"/volumes/other-transfer":              map[string]any{"Name": "other-transfer", "Driver": "local", "Labels": labels("other", "transfer")},
		"/networks/berth-app-hello":            map[string]any{"Id": networkID, "Labels": labels("berth", "network")},
		"/networks/berth-probe-x":              map[string]any{"Id": probeNetID, "Labels": labels("berth", "probe")},
		"/networks/other-probe-x":              map[string]any{"Id": "otherprobe", "Labels": labels("other", "probe")},
		"/networks/berth-app-shop.r2":          map[string]any{"Id": "closednet", "Labels": closedLabels()},
		"/networks/berth-0-egress":             map[string]any{"Id": "outside", "Labels": labels("berth", "egress")},
		"/containers/berth-egress/json":        madeContainer("exit", "berth", "egress", "running"),
		"/networks/berth-0-edge":               map[string]any{"Id": "edge", "Labels": labels("berth", "edge")},
		"/networks/other-app-hello":            map[string]any{"Id": "othernet", "Labels": labels("other", "network")},
		"/networks/host":                       map[string]any{"Id": "host", "Labels": map[string]string{}},
		"/volumes/berth-vol-data":              map[string]any{"Name": "berth-vol-data", "Driver": "local", "Labels": labels("berth", "volume")},
		"/volumes/berth-data":                  map[string]any{"Name": "berth-data", "Driver": "local", "Labels": labels("berth", "data")},
		"/volumes/other-vol-data":              map[string]any{"Name": "other-vol-data", "Driver": "local", "Labels": labels("other", "volume")},
		"/volumes/berth-hello-r1.secrets":      map[string]any{"Name": "berth-hello-r1.secrets", "Driver": "local", "Labels": labels("berth", "secrets")},
		"/volumes/berth-other-r1.secrets":      map[string]any{"Name": "berth-other-r1.secrets", "Driver": "local", "Labels": labels("berth", "secrets")},
		"/images/berth/hello:r1/json":          map[string]any{"Id": imageID, "Config": map[string]any{"Labels": labels("berth", "build")}},
		"/images/" + imageID + "/json":         map[string]any{"Id": imageID, "Config": map[string]any{"Labels": labels("berth", "build")}},
		"/images/postgres:17/json":             map[string]any{"Id": "sha256:2222", "Config": map[string]any{}},
		"/images/other/hello:r1/json":          map[string]any{"Id": "sha256:3333", "Config": map[string]any{"Labels": labels("other", "build")}},
		"/images/berth/helper:1/json":          map[string]any{"Id": "sha256:4444", "Config": map[string]any{"Labels": labels("berth", "helper")}},
		"/images/berth/pause:1/json":           map[string]any{"Id": "sha256:5555", "Config": map[string]any{"Labels": labels("berth", "secrets")}},
	} {
		e.objects[path] = object
	}
	return e
}

// serve runs a broker in front of the engine until the test ends.
func serve(t *testing.T, e *engine, change ...func(*broker.Policy)) (client *http.Client, door *broker.Broker, socket string) {
	t.Helper()
	return serveLogged(t, e, slog.New(slog.DiscardHandler), change...)
}

func serveLogged(t *testing.T, e *engine, logger *slog.Logger, change ...func(*broker.Policy)) (client *http.Client, door *broker.Broker, socket string) {
	t.Helper()
	folder := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(folder, "engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	policy := broker.Policy{
		Stack: "berth", Pool: netip.MustParsePrefix("10.201.0.0/16"),
		Limits: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500},
	}
	for _, one := range change {
		one(&policy)
	}
	socket = filepath.Join(folder, "broker.sock")
	door, err = broker.Listen(broker.Options{Listen: socket, Engine: filepath.Join(folder, "engine.sock"), Policy: policy, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- door.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}, door, socket
}

// ask sends a request whose path is written as it is.
func ask(t *testing.T, client *http.Client, method, uri string, body any) (status int, message string) {
	t.Helper()
	var content io.Reader
	switch given := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(given)
	case io.Reader:
		content = given
	default:
		text, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://broker/", content)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(uri, "?")
	request.URL.Opaque, request.URL.RawQuery = path, query
	if content != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, uri, err)
	}
	defer response.Body.Close()
	var answer struct{ Message string }
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return response.StatusCode, answer.Message
}
