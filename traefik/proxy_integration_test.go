//go:build integration

package traefik

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

// Where the proxy of the tests is: a place that nothing else on this machine has.
var (
	testStack    string
	testSubnet   string
	testGateway  string // this machine, where the backends listen
	testAddress  string
	otherSubnet  string
	otherAddress string
)

const testAPIPassword = "of-the-test-alone"

// holdPlace takes the addresses of the package's tests until the process ends.
func holdPlace() error {
	place, err := stack.Reserve("traefik-package-test")
	if err != nil {
		return err
	}
	const rest = 32 // addresses of a /27
	bytes := place.Pool.Addr().As4()
	bytes[3] += rest
	other := netip.AddrFrom4(bytes)
	testStack, testGateway, testAddress = place.Name, place.Gateway, place.Proxy
	testSubnet, otherSubnet = netip.PrefixFrom(place.Pool.Addr(), 27).String(), netip.PrefixFrom(other, 27).String()
	otherAddress = other.Next().Next().String()
	return nil
}

// proxy is the real one, started as the stack starts it.
type proxy struct {
	t       *testing.T
	folder  string
	acme    string // folder of what it got from certificate authorities
	name    string
	options StaticOptions
	client  *Client
}

func docker(t *testing.T, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, "docker", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

func startProxy(t *testing.T) *proxy {
	t.Helper()
	return startProxyWith(t, func(*proxy) {})
}

// startProxyWith lets prepare change the options once the networks are there. The
// proxy has the environment and the folders that the stack gives it.
func startProxyWith(t *testing.T, prepare func(*proxy), environment ...string) *proxy {
	t.Helper()
	removeAll := func() {
		for _, kind := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}} {
			ids := strings.Fields(docker(t, append(kind, "--filter", "label=berth.stack="+testStack)...))
			for _, id := range ids {
				if kind[0] == "ps" {
					docker(t, "rm", "-f", "-v", id)
				} else {
					docker(t, "network", "rm", id)
				}
			}
		}
	}
	removeAll()
	t.Cleanup(removeAll)

	p := &proxy{t: t, folder: t.TempDir(), name: testStack + "-proxy"}
	p.options = StaticOptions{
		ProxyAddress: netip.MustParseAddr(testAddress), APIPassword: testAPIPassword,
		Gateway: netip.MustParseAddr(testGateway), Subnet: netip.MustParsePrefix(testSubnet),
	}
	label := "berth.stack=" + testStack
	docker(t, "network", "create", "--label", label, "--subnet", testSubnet, testStack+"-0-edge")
	docker(t, "network", "create", "--label", label, "--subnet", otherSubnet, testStack+"-app-other")
	prepare(p)
	if _, err := WriteStatic(p.folder, p.options); err != nil {
		t.Fatal(err)
	}
	giveToProxy(t, p.folder)
	p.acme = t.TempDir()
	giveToProxy(t, p.acme)
	arguments := []string{"create"}
	for _, variable := range environment {
		arguments = append(arguments, "--env", variable)
	}
	docker(t, append(arguments, "--name", p.name, "--label", label, "--label", "berth.role=proxy",
		"--network", testStack+"-0-edge", "--ip", testAddress,
		"--user", "65532:65532", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=128m,mode=1777", "--memory", "512m",
		"--mount", "type=bind,readonly,source="+p.folder+",target=/proxy",
		"--mount", "type=bind,source="+p.acme+",target=/acme",
		cmp.Or(os.Getenv("BERTH_TRAEFIK_IMAGE"), "berth-traefik:3.7.9"), "--configFile=/proxy/traefik.yml")...)
	docker(t, "network", "connect", "--ip", otherAddress, testStack+"-app-other", p.name)
	docker(t, "start", p.name)
	client, err := NewClient(p.options.APIURL(), p.options.VerifyURL(), p.options.APIPassword)
	if err != nil {
		t.Fatal(err)
	}
	p.client = client
	if err := client.Ready(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	return p
}

// giveToProxy makes the proxy's user the owner of what Berth, which runs as the
// same one, would have written. The folder above is the test's own, and private.
func giveToProxy(t *testing.T, folder string) {
	t.Helper()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 65532, 65532)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *proxy) log() string { return docker(p.t, "logs", p.name) }

func (p *proxy) publish(targets ...Target) {
	p.t.Helper()
	publish(p.t, NewPublisher(p.folder), targets...)
}

func (p *proxy) confirmAll(targets ...Target) {
	p.t.Helper()
	if err := p.client.ConfirmAll(p.t.Context(), Table{Targets: targets}); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log())
	}
}

// answer is what a request was answered with.
type answer struct {
	status int
	body   string
	header http.Header
}

var direct = &http.Client{
	Timeout:       patience.Of(10 * time.Second),
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks port of the proxy, under host unless that is empty.
func get(t *testing.T, port int, host, path string) answer {
	t.Helper()
	return getAt(t, fmt.Sprintf("http://%s:%d", testAddress, port), host, path)
}

func getAt(t *testing.T, base, host, path string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}
}

// backend answers every request with its name, the path and what the proxy told it.
func backend(t *testing.T, name string) (address string) {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s host=%s prefix=%s", name, r.URL.Path, r.Host, r.Header.Get("X-Forwarded-Prefix"))
	}))
}

func serve(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(testGateway, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience.Of(10 * time.Second)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func target(t *testing.T, app, address string, routes ...string) Target {
	t.Helper()
	result := Target{App: app, Release: 1, Address: address}
	for _, route := range routes {
		result.Routes = append(result.Routes, mustParseRoute(t, route))
	}
	return result
}

func TestProxy_TakesTheStaticConfigurationWithoutComplaint(t *testing.T) {
	p := startProxy(t)
	p.publish(target(t, "hello", backend(t, "hello"), "/hello", "hello.example.com"))
	if err := p.client.Confirm(t.Context(), Table{Targets: []Target{target(t, "hello", "unused:1", "/hello")}}); err == nil {
		t.Error("another address was confirmed")
	}
	for line := range strings.Lines(p.log()) {
		var entry struct{ Level, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		// The proxy says this at every start, whatever the settings.
		if strings.HasPrefix(entry.Message, "Traefik can reject some encoded characters") {
			continue
		}
		if entry.Level != "info" && entry.Level != "" {
			t.Errorf("complaint: %s", line)
		}
	}
}

func TestProxy_ServesARouteOnceConfirmedAndNotOnceGone(t *testing.T) {
	p := startProxy(t)
	hello := target(t, "hello", backend(t, "hello"), "/hello")
	var confirmed []time.Duration
	for range 10 {
		start := time.Now()
		p.publish(hello)
		if err := p.client.Confirm(t.Context(), Table{Targets: []Target{hello}}); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"/hello": "hello / ", "/hello/a/b": "hello /a/b "} {
			got := get(t, WebPort, "", path)
			if got.status != http.StatusOK || got.body != want+"host="+testAddress+":8000 prefix=/hello" {
				t.Errorf("%s: %+v", path, got)
			}
		}
		confirmed = append(confirmed, time.Since(start))
		p.publish()
		if err := p.client.ConfirmGone(t.Context(), hello); err != nil {
			t.Fatal(err)
		}
		if got := get(t, WebPort, "", "/hello"); got.status != http.StatusNotFound {
			t.Errorf("still there: %+v", got)
		}
	}
	p.confirmAll()
	slices.Sort(confirmed)
	t.Logf("publish to first answers: median %v, from %v to %v", confirmed[5], confirmed[0], confirmed[9])
}

func TestProxy_SwitchesToTheNewReleaseOnceConfirmed(t *testing.T) {
	p := startProxy(t)
	old, fresh := target(t, "hello", backend(t, "old"), "/hello"), target(t, "hello", backend(t, "new"), "/hello")
	fresh.Release = 2
	for range 5 {
		p.publish(old)
		p.confirmAll(old)
		p.publish(fresh)
		if err := p.client.Confirm(t.Context(), Table{Targets: []Target{fresh}}); err != nil {
			t.Fatal(err)
		}
		if err := p.client.ConfirmGone(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if got := get(t, WebPort, "", "/hello"); !strings.HasPrefix(got.body, "new ") {
			t.Errorf("got %+v", got)
		}
	}
}

func TestProxy_GivesEachRouteToItsOwner(t *testing.T) {
	p := startProxy(t)
	targets := []Target{
		target(t, "any", backend(t, "any"), "/"),
		target(t, "app", backend(t, "app"), "/app"),
		target(t, "deep", backend(t, "deep"), "/app/deep"),
		target(t, "domain", backend(t, "domain"), "a.example"),
		target(t, "both", backend(t, "both"), "a.example/app"),
	}
	p.publish(targets...)
	p.confirmAll(targets...)
	for _, c := range []struct{ host, path, want string }{
		{"", "/", "any /"},
		{"", "/apple", "any /apple"},
		{"", "/app", "app /"},
		{"", "/app/", "app /"},
		{"", "/app/x", "app /x"},
		{"", "/app/deep", "deep /"},
		{"", "/app/deeper", "app /deeper"},
		{"", "/app/../x", "any /x"},
		{"", "//app/x", "app /x"},
		{"a.example", "/", "domain /"},
		{"A.EXAMPLE", "/x", "domain /x"},
		{"a.example", "/apple", "domain /apple"},
		{"a.example", "/app/deep", "both /deep"},
		{"a.example.", "/app", "both /"},
		{"b.a.example", "/app", "app /"},
	} {
		got := get(t, WebPort, c.host, c.path)
		if name, _, _ := strings.Cut(got.body, " host="); name != c.want {
			t.Errorf("%s%s went to %q (%d), want %q", c.host, c.path, name, got.status, c.want)
		}
	}
}

func TestProxy_RefusesEncodedCharactersAndDropsUnderscoreHeaders(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header)
	})), "/app")
	p.publish(app)
	p.confirmAll(app)
	// Without its slash this is no route at all.
	if got := get(t, WebPort, "", "/app%2fx"); got.status != http.StatusNotFound {
		t.Errorf("/app%%2fx: %+v", got)
	}
	for _, path := range []string{"/app/%2F", "/app/%5c", "/app/%00", "/app/%3b", "/app/%25", "/app/%3f", "/app/%23"} {
		if got := get(t, WebPort, "", path); got.status != http.StatusBadRequest {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := get(t, WebPort, "", "/app/a%20b"); got.status != http.StatusOK {
		t.Errorf("a blank was refused: %+v", got)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+testAddress+":8000/app", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X_Forwarded_User", "api_key", "_", "X-Real_Ip"} {
		request.Header[name] = []string{"forged"}
	}
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(seen), "forged") {
		t.Errorf("headers with underscores: status %d %s, %v", response.StatusCode, seen, err)
	}
}

func TestProxy_DropsForgedForwardingHeaders(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header)
	})), "/app")
	p.publish(app)
	p.confirmAll(app)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+testAddress+":8000/app", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-Ip"} {
		request.Header.Set(name, "forged")
	}
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || bytes.Contains(body, []byte("forged")) {
		t.Errorf("the app saw %s, %v", body, err)
	}
}

func TestProxy_KeepsItsDashboardToItsOwnAddress(t *testing.T) {
	startProxy(t)
	if got := get(t, DashboardPort, "", "/"); got.status != http.StatusFound || got.header.Get("Location") != "/dashboard/" {
		t.Errorf("/: %+v", got)
	}
	if got := get(t, DashboardPort, "", "/dashboard/"); got.status != http.StatusOK {
		t.Errorf("/dashboard/: %+v", got)
	}
	if got := get(t, DashboardPort, "localhost:8080", "/api/overview"); got.status != http.StatusUnauthorized {
		t.Errorf("/api/overview without the password: %+v", got)
	}
	if got := askAPI(t, "/api/overview"); got.status != http.StatusOK {
		t.Errorf("/api/overview: %+v", got)
	}
	if got := get(t, DashboardPort, "rebound.example.com", "/api/overview"); got.status != http.StatusNotFound {
		t.Errorf("another name: %+v", got)
	}
	for _, port := range []int{WebPort, VerifyPort} {
		for _, path := range []string{"/api/overview", "/dashboard/", "/ping"} {
			if got := get(t, port, "", path); got.status != http.StatusNotFound {
				t.Errorf("port %d %s: %+v", port, path, got)
			}
		}
	}
	for _, port := range []int{WebPort, WebsecurePort, DashboardPort, VerifyPort} {
		connection, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", otherAddress, port), patience.Of(time.Second))
		if err == nil {
			_ = connection.Close()
			t.Errorf("port %d answers on an app's network", port)
		}
	}
}

// askAPI asks the API with its password.
func askAPI(t *testing.T, path string) answer {
	t.Helper()
	return getAt(t, fmt.Sprintf("http://%s:%s@%s:%d", APIUser, testAPIPassword, testAddress, DashboardPort), "", path)
}

func TestProxy_TellsItsCountersToBerthAlone(t *testing.T) {
	p := startProxy(t)
	app := target(t, "shop", backend(t, "shop"), "/shop")
	p.publish(app)
	p.confirmAll(app)
	for range 3 {
		get(t, WebPort, "", "/shop")
	}
	for _, port := range []int{WebPort, VerifyPort, DashboardPort} {
		got := get(t, port, "", "/metrics")
		if got.status == http.StatusOK || strings.Contains(got.body, "traefik_") {
			t.Errorf("port %d tells its counters to everybody: %+v", port, got)
		}
	}
	requests, within := 0.0, 0.0
	err := p.client.Counters(t.Context(), func(c Counter, value float64) {
		if c.App != "shop" || c.Code != http.StatusOK {
			t.Errorf("a counter of nobody's: %+v", c)
		}
		switch {
		case c.Kind == CountRequests:
			requests += value
		case c.Kind == CountDuration && c.Most == 10:
			within += value
		}
	})
	if err != nil || requests != 3 || within != 3 {
		t.Errorf("%v requests, %v of them within 10 s, error %v", requests, within, err)
	}
}

func TestProxy_ItsAPIWantsThePasswordAndShowsNoHash(t *testing.T) {
	p := startProxy(t)
	app := protect(t, target(t, "app", backend(t, "app"), "/app"))
	p.publish(app)
	p.confirmAll(app)
	for _, path := range []string{"/api/rawdata", "/api/http/middlewares", "/api/http/routers", "/api/entrypoints", "/api/", "/dashboard/../api/rawdata", "//api/rawdata", "/dashboard/%2e%2e/api/rawdata"} {
		if got := get(t, DashboardPort, "127.0.0.1", path); got.status == http.StatusOK {
			t.Errorf("%s is open: %+v", path, got)
		}
	}
	for _, path := range []string{"/api/rawdata", "/api/http/middlewares"} {
		got := askAPI(t, path)
		if got.status != http.StatusOK || !strings.Contains(got.body, "usersFile") {
			t.Errorf("%s: %+v", path, got)
		}
		for _, hash := range []string{app.Access.Users[0].Hash, "$2", "{SHA}", testAPIPassword} {
			if strings.Contains(got.body, hash) {
				t.Errorf("%s shows %s", path, hash)
			}
		}
	}
	if got := get(t, WebPort, "", "/app"); got.status != http.StatusUnauthorized {
		t.Errorf("the app is open: %+v", got)
	}
	changed := app
	changed.Access.Users = []User{testUser(t, "bob")}
	p.publish(changed)
	if err := p.client.Confirm(t.Context(), Table{Targets: []Target{changed}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"bob": http.StatusOK, "ann": http.StatusUnauthorized} {
		got := getAt(t, fmt.Sprintf("http://%s:%s@%s:%d", name, testPassword, testAddress, WebPort), "", "/app")
		if got.status != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestProxy_ProvesAReleaseOnTheVerifyEntryPointOnly(t *testing.T) {
	p := startProxy(t)
	live, proving := target(t, "app", backend(t, "old"), "/app"), target(t, "app", backend(t, "new"), "/app")
	proving.Release, proving.Proving = 2, true
	if _, err := p.client.Probe(t.Context(), proving, "/"); !errors.Is(err, ErrNotRouted) {
		t.Errorf("before it is published: %v", err)
	}
	p.publish(live, proving)
	if err := p.client.Confirm(t.Context(), Table{Targets: []Target{proving}}); err != nil {
		t.Fatal(err)
	}
	p.confirmAll(live, proving)
	if status, err := p.client.Probe(t.Context(), proving, "/health"); status != http.StatusOK || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	host := VerifyHost("app", 2)
	if got := get(t, VerifyPort, host, "/x"); !strings.HasPrefix(got.body, "new /x host="+host) {
		t.Errorf("on verify: %+v", got)
	}
	if got := get(t, WebPort, host, "/app"); !strings.HasPrefix(got.body, "old ") {
		t.Errorf("on web: %+v", got)
	}
	if got := get(t, VerifyPort, "", "/app"); got.status != http.StatusNotFound {
		t.Errorf("a public route on verify: %+v", got)
	}
}

func TestProxy_ProbeTellsTheInstancesAnswersFromItsOwn(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		default:
			http.Redirect(w, r, "http://192.0.2.1/elsewhere", http.StatusFound)
		}
	})), "/app")
	dead := target(t, "dead", net.JoinHostPort(testGateway, "1"), "/dead")
	app.Proving, dead.Proving = true, true
	p.publish(app, dead)
	p.confirmAll(app, dead)
	for _, c := range []struct {
		target Target
		path   string
		want   int
	}{{app, "/missing", 404}, {app, "/", 302}, {dead, "/", 502}} {
		if status, err := p.client.Probe(t.Context(), c.target, c.path); status != c.want || err != nil {
			t.Errorf("%s%s: %d, %v", c.target.App, c.path, status, err)
		}
	}
}

func TestProxy_KeepsItsRoutesOverARestart(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "/app")
	p.publish(app)
	p.confirmAll(app)
	docker(t, "restart", "--time", "3", p.name)
	if err := p.client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.confirmAll(app)
	if got := get(t, WebPort, "", "/app"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}

func TestProxy_NeverSeesABadFile(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "/app")
	p.publish(app)
	p.confirmAll(app)
	bad := generate(t, app)
	bad.HTTP.Routers["app-0-web"].Rule = "Host(`{{ env `HOSTNAME` }}`)"
	if _, err := NewPublisher(p.folder).Publish(bad); !errors.Is(err, ErrTemplate) {
		t.Errorf("error %v", err)
	}
	p.confirmAll(app)
	if got := get(t, WebPort, "", "/app"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}

func TestProxy_RejectionIsToldAtOnce(t *testing.T) {
	p := startProxy(t)
	configuration := generate(t, target(t, "app", backend(t, "app"), "/app"))
	configuration.HTTP.Routers["app-0-web"].Middlewares = []string{"missing"}
	if _, err := NewPublisher(p.folder).Publish(configuration); err != nil {
		t.Fatal(err)
	}
	err := p.client.await(t.Context(), "app", func(ctx context.Context) error {
		return p.client.compareEach(ctx, configuration)
	})
	var rejected *RejectedError
	if !errors.As(err, &rejected) {
		t.Errorf("error %v", err)
	}
}

func TestProxy_ServesHTTPSWithTheFallbackCertificate(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "/app", "a.example")
	p.publish(app)
	p.confirmAll(app)
	pair, err := tls.LoadX509KeyPair(filepath.Join(p.folder, tlsFolder, fallbackName), filepath.Join(p.folder, tlsFolder, fallbackName))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"", "a.example"} {
		got, shown := getTLS(t, host, "/app")
		if got.status != http.StatusOK {
			t.Errorf("host %q: %+v", host, got)
		}
		if !shown.Equal(pair.Leaf) {
			t.Errorf("host %q: the certificate is of %s", host, shown.Subject)
		}
	}
}

// getTLS asks websecure; the certificate is the proxy's own, which nobody signed.
func getTLS(t *testing.T, host, path string) (answer, *x509.Certificate) {
	t.Helper()
	client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+testAddress+":8443"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}, response.TLS.PeerCertificates[0]
}

func TestProxy_LogsRequestsWithoutTheirSecrets(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "/app")
	p.publish(app)
	p.confirmAll(app)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+testAddress+":8000/app?token=hidden-query", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer hidden-bearer")
	request.Header.Set("Cookie", "session=hidden-cookie")
	request.Header.Set("User-Agent", "seen-agent")
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	deadline := time.Now().Add(patience.Of(5 * time.Second))
	log := p.log()
	for !strings.Contains(log, "seen-agent") && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
		log = p.log()
	}
	if !strings.Contains(log, "seen-agent") {
		t.Errorf("the request is not in the log:\n%s", log)
	}
	if strings.Contains(log, "hidden-") {
		t.Errorf("a secret is in the log:\n%s", log)
	}
}

func TestProxy_PassesStreamsAndUpgradesThrough(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", serve(t, http.HandlerFunc(streamOrUpgrade)), "/app")
	p.publish(app)
	p.confirmAll(app)

	response, err := direct.Get("http://" + testAddress + ":8000/app/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, len("data: 1\n\n"))
	if _, err := io.ReadFull(response.Body, first); err != nil {
		t.Errorf("the first event waits for the last: %v", err)
	}

	connection, err := net.DialTimeout("tcp", testAddress+":8000", patience.Of(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(5 * time.Second)))
	fmt.Fprintf(connection, "GET /app/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	var seen bytes.Buffer
	buffer := make([]byte, 1024)
	sent := false
	for !strings.HasSuffix(seen.String(), "echo") {
		count, err := connection.Read(buffer)
		if err != nil {
			t.Fatalf("after %q: %v", seen.String(), err)
		}
		seen.Write(buffer[:count])
		if !sent && strings.Contains(seen.String(), "\r\n\r\n") {
			sent = true
			fmt.Fprint(connection, "echo")
		}
	}
	if !strings.HasPrefix(seen.String(), "HTTP/1.1 101") {
		t.Errorf("got %q", seen.String())
	}
}

// streamOrUpgrade sends an event and then nothing until the client leaves, or
// switches protocols and sends back what it gets.
func streamOrUpgrade(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/events" {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
		return
	}
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.CopyN(connection, buffered, int64(len("echo")))
}

func TestProxy_TakesAThousandApps(t *testing.T) {
	p := startProxy(t)
	targets := manyTargets(t, 1000)
	targets[500].Address = backend(t, "middle")
	publisher := NewPublisher(p.folder)
	for round := range 3 {
		targets[500].Release++
		start := time.Now()
		publish(t, publisher, targets...)
		written := time.Since(start)
		if err := p.client.Confirm(t.Context(), Table{Targets: []Target{targets[500]}}); err != nil {
			t.Fatal(err)
		}
		confirmed := time.Since(start)
		p.confirmAll(targets...)
		t.Logf("round %d: written %v, confirmed %v, all confirmed %v", round, written, confirmed, time.Since(start))
	}
	if got := get(t, WebPort, "", "/app-0500"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}
