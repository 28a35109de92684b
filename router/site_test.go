package router

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/logs/journal"
	"berth/traefik"
)

// site is the admin app behind TLS on a port of this machine, with a browser in front.
type site struct {
	t         testing.TB
	apps      *fakeApps
	volumes   *fakeVolumes
	routing   *fakeRouting
	accounts  *fakeAccounts
	audit     *fakeAudit
	sessions  *fakeSessions
	limits    *limit.Limiter
	domains   *fakeDomains
	metrics   *fakeMetrics
	checklist *fakeChecklist
	logged    *logBuffer
	server    *httptest.Server
	client    *http.Client // follows no redirect
	logs      *journal.Journal
	keys      *keyRing
	moves     *fakeMoves
	commands  *fakeCommands
}

// allOfStory is a controller as the program has it: one value for every area of screens.
type allOfStory interface {
	Apps
	Uploads
	Releases
	Settings
	Environments
	Outputs
}

func storyOf(all allOfStory) Story {
	return Story{Apps: all, Uploads: all, Releases: all, Settings: all, Environments: all, Outputs: all}
}

func newSite(t testing.TB, change ...func(*Options)) *site {
	t.Helper()
	s := &site{t: t, apps: newFakeApps(), sessions: newFakeSessions(), audit: &fakeAudit{}, logged: &logBuffer{}, keys: &keyRing{t: t}}
	s.accounts = &fakeAccounts{
		account: account.Account{ID: 7, Name: "admin"}, password: "correct horse battery", sessions: s.sessions,
	}
	s.limits = openLimits(t, freshLedger(t), time.Now, manyRequests)
	s.volumes = newFakeVolumes(t, s.apps)
	s.routing = newFakeRouting(t, s.apps)
	s.domains, s.metrics = newFakeDomains(t, freshLedger(t)), new(fakeMetrics)
	s.checklist, s.logs, s.moves = newFakeChecklist(), openLogs(t), new(fakeMoves)
	s.commands = &fakeCommands{left: make(chan error, 1)}
	options := Options{
		Checklist: s.checklist, Prober: s.checklist,
		Limits:  s.limits,
		Volumes: s.volumes,
		Mounts:  s.volumes,
		Backups: newFakeBackups(t), Hooks: fakeHooks{}, Commands: s.commands,
		Routing: s.routing, Ports: s.routing,
		Domains: s.domains, Metrics: s.metrics, Disks: newFakeDisks(), Pushes: newPushes(t), Webhooks: newFakeWebhooks(t), TagWatches: newFakeTagWatches(t), Registries: newRegistries(t), Moves: s.moves, Labels: s.apps, Repeats: newFakeRepeats(), Sources: newSources(t, s.apps), Duplicates: fakeDuplicates{}, Renames: fakeRenames{}, Logs: s.logs, Events: newFakeEvents(), Alerts: newFakeAlerts(t), Heart: newFakeHeart(t),
		Story: storyOf(s.apps), Accounts: s.accounts, Factors: noFactors{}, Tokens: fakeTokens{}, Keys: s.keys, Sessions: s.sessions, Audit: s.audit,
		SecretKey:      bytes.Repeat([]byte("k"), 32),
		Logger:         slog.New(slog.NewTextHandler(s.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		PublicHTTPPort: 80, PublicHTTPSPort: 443, Version: "0.1.0", AdminHost: adminHost,
	}
	for _, c := range change {
		c(&options)
	}
	handler, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewUnstartedServer(handler)
	s.server.EnableHTTP2 = true
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	s.server.URL = strings.Replace(s.server.URL, "127.0.0.1", adminHost, 1)
	s.client = s.browser()
	return s
}

// adminHost is the name that browsers open the admin app at.
const adminHost = "berth.localhost"

// transport finds the server under every name.
func (s *site) transport() *http.Transport {
	transport := s.server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // which the test's certificate is for
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.server.Listener.Addr().String())
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// browser is another browser, with no cookies yet.
func (s *site) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{
		Transport: s.transport(), Jar: jar, Timeout: 3 * time.Minute, // a fuse alone: a loaded machine with the race detector is slow
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response whose body was read.
type answer struct {
	*http.Response
	body string
}

func (s *site) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) do(r *http.Request) answer {
	s.t.Helper()
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, string(body)}
}

func (s *site) get(path string) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, path, nil))
}

func (s *site) post(path string, form url.Values) answer {
	s.t.Helper()
	r := s.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

// bearer asks the API with a token.
func (s *site) bearer(token, method, path, body string) answer {
	s.t.Helper()
	r := s.request(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	return s.do(r)
}

var formTokenPattern = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// formToken is the form token on a page.
func (s *site) formToken(path string) string {
	s.t.Helper()
	page := s.get(path)
	found := formTokenPattern.FindStringSubmatch(page.body)
	if found == nil {
		s.t.Fatalf("no form token on %s: %d %.300s", path, page.StatusCode, page.body)
	}
	return found[1]
}

// signIn signs the browser in and gives the form token of its session.
func (s *site) signIn() string {
	s.t.Helper()
	form := url.Values{"csrf_token": {s.formToken("/login")}, "password": {s.accounts.password}}
	if answer := s.post("/login", form); answer.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("sign in: %d %.300s", answer.StatusCode, answer.body)
	}
	return s.formToken("/password")
}

func (s *site) cookie(name string) string {
	base, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range s.client.Jar.Cookies(base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// anApp is a running app whose live release is r2, and which can go back to r1.
func (s *site) anApp(name app.Name) controller.AppView {
	s.t.Helper()
	route, err := traefik.ParseRoute("/" + string(name))
	if err != nil {
		s.t.Fatal(err)
	}
	old, live := aRelease(name, 1, app.ReleaseSuperseded), aRelease(name, 2, app.ReleaseLive)
	old.Image, live.Image = "sha256:aa", "sha256:bb"
	old.CreatedAt = old.CreatedAt.Add(-26 * time.Hour)
	old.FinishedAt = old.FinishedAt.Add(-26 * time.Hour)
	s.apps.putRelease(old)
	s.apps.putRelease(live)
	view := controller.AppView{
		App: app.App{
			Name: name, Routes: []traefik.Route{route}, Wanted: app.WantedRunning, Live: 2,
			Settings:  app.DefaultSettings(),
			Observed:  app.Observed{State: app.Running},
			CreatedAt: time.Now().Add(-50 * time.Hour),
		},
		Usage:    app.Usage{MemoryBytes: 64 << 20, MemoryLimit: 512 << 20, CPUPercent: 1.25},
		HasUsage: true, Latest: &live,
	}
	s.apps.put(view)
	return view
}

// logBuffer takes a log from many goroutines.
type logBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

func mustContain(t testing.TB, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in: %.1500s", want, text)
		}
	}
}
