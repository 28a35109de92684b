package router

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/secret"
	"berth/controller/store"
)

var update = flag.Bool("update", false, "write what was found into testdata")

// envelope is the admin app on a real ledger with the real services: only what
// deploys is a fake.
type envelope struct {
	t       *testing.T
	apps    *fakeApps
	ledger  *store.Store
	tokens  *account.Tokens
	admin   *admin
	handler http.Handler
	audit   *fakeAudit
	folder  string
	asked   int // requests so far: each comes from an address of its own
}

func newEnvelope(t *testing.T) *envelope {
	t.Helper()
	folder := t.TempDir()
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	logger := slog.New(slog.DiscardHandler)
	e := &envelope{t: t, apps: newFakeApps(), ledger: ledger, tokens: account.NewTokens(ledger, logger), audit: &fakeAudit{}, folder: folder}
	(&site{t: t, apps: e.apps}).anApp("hello")
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.NewAccounts(ledger, "", logger)
	volumes := e.volumes()
	list := newFakeChecklist()
	options := Options{
		Checklist: list, Prober: list,
		Story: storyOf(e.apps), Volumes: volumes, Mounts: volumes, Backups: newFakeBackups(t), Hooks: fakeHooks{}, Commands: new(fakeCommands), Routing: newFakeRouting(t, e.apps), Ports: newFakeRouting(t, e.apps), Domains: newFakeDomains(t, freshLedger(t)), Metrics: new(fakeMetrics), Disks: newFakeDisks(), Pushes: newPushes(t), Webhooks: newFakeWebhooks(t), TagWatches: newFakeTagWatches(t), Registries: newRegistries(t), Moves: new(fakeMoves), Labels: e.apps, Repeats: newFakeRepeats(), Sources: newSources(t, e.apps), Duplicates: fakeDuplicates{}, Renames: fakeRenames{}, Logs: openLogs(t), Events: newFakeEvents(), Alerts: newFakeAlerts(t), Heart: newFakeHeart(t),
		Accounts: accounts, Factors: account.NewSecondFactors(ledger, accounts, key, logger),
		Tokens: e.tokens, Keys: account.NewKeys(ledger, logger), Sessions: ledger, Limits: openLimits(t, ledger, time.Now, manyRequests),
		Audit: e.audit, SecretKey: bytes.Repeat([]byte("k"), 32), Logger: logger, PublicHTTPPort: 80, PublicHTTPSPort: 443, AdminHost: adminHost,
	}
	if e.handler, err = New(options); err != nil {
		t.Fatal(err)
	}
	e.admin = &admin{formKey: deriveKey(options.SecretKey, "berth form tokens"), sessions: newSessionStore(ledger, false, adminHost)}
	return e
}

// volumes has a volume called hello, as the apps have an app.
func (e *envelope) volumes() *fakeVolumes {
	fake := newFakeVolumes(e.t, e.apps)
	fake.volume(e.t, "hello")
	return fake
}

// account makes an account; nobody signs in with its password here.
func (e *envelope) account(name string, mustChange bool) int64 {
	e.t.Helper()
	account, err := e.ledger.CreateAccount(e.t.Context(), account.Account{
		Name: name, PasswordHash: "unused", MustChange: mustChange, CreatedAt: time.Now(),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return account.ID
}

// mint makes a token and gives its plain form and its row.
func (e *envelope) mint(scope account.Scope, ttl time.Duration, from string) (string, account.Token) {
	e.t.Helper()
	ranges, err := account.ParseAddressRanges(from)
	if err != nil {
		e.t.Fatal(err)
	}
	plain, hash := secret.NewToken()
	token, err := e.ledger.CreateToken(e.t.Context(), account.Token{
		Name: "ci", Hash: hash, Scope: scope, Ranges: ranges, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(ttl),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return plain, token
}

// asBearer sends the token along.
func asBearer(plain string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+plain) }
}

// asAccount sends a session along that begins with this request.
func (e *envelope) asAccount(who int64) func(*http.Request) {
	return func(r *http.Request) {
		id, now := newSessionID(), time.Now()
		row := account.Session{Hash: hashID(id), Account: who, CreatedAt: now, SeenAt: now}
		if err := e.ledger.CreateSession(e.t.Context(), row); err != nil {
			e.t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "__Host-berth", Value: id})
	}
}

// ask sends a request that carries no form token, so that a session changes
// nothing, and hangs up on a stream that was opened.
func (e *envelope) ask(method, path string, as func(*http.Request)) *httptest.ResponseRecorder {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 5*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, "https://berth.localhost"+path, nil)
	e.asked++
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:4000", e.asked>>8, e.asked&0xff)
	if as != nil {
		as(r)
	}
	recorder := &hangUp{httptest.NewRecorder(), cancel}
	e.handler.ServeHTTP(recorder, r)
	return recorder.ResponseRecorder
}

// hangUp ends the request at its first flush.
type hangUp struct {
	*httptest.ResponseRecorder
	cancel context.CancelFunc
}

func (h *hangUp) Flush() { h.ResponseRecorder.Flush(); h.cancel() }

// The ways in which a request ends, as access.golden names them.
const (
	letIn        = "yes"
	unknown      = "401"
	notAllowed   = "403"
	mustChangeIt = "change" // the one-time password comes first
)

// verdict reads from an answer whether the request got past the door. A form
// without its token got there.
func verdict(answer *httptest.ResponseRecorder) string {
	to := answer.Header().Get("Location")
	switch {
	case answer.Code == http.StatusUnauthorized, answer.Code == http.StatusSeeOther && strings.HasPrefix(to, "/login"):
		return unknown
	case answer.Code == http.StatusForbidden && strings.Contains(answer.Body.String(), "The form did not come from this session."):
		return letIn
	case answer.Code == http.StatusForbidden && strings.Contains(answer.Body.String(), "one-time password"):
		return mustChangeIt
	case answer.Code == http.StatusForbidden:
		return notAllowed
	default:
		return letIn
	}
}

// visitor is one who tries every route.
type visitor struct {
	name   string
	as     func(*http.Request)
	wanted func(route) string // by the table
}

func (e *envelope) visitors() []visitor {
	refused := func(route) string { return unknown }
	byScope := func(scope account.Scope) func(route) string {
		return func(r route) string {
			if r.access.scope != "" && scope.Allows(r.access.scope) {
				return letIn
			}
			return notAllowed
		}
	}
	bySession := func(r route) string {
		if r.access.session {
			return letIn
		}
		return unknown
	}
	byFreshSession := func(r route) string {
		if r.access.session && r.path != "/password" && r.path != "/logout" {
			return mustChangeIt
		}
		return bySession(r)
	}
	e.mint(account.ScopeRead, time.Hour, "") // the first: what a route does to the token 1 is done to it
	read, _ := e.mint(account.ScopeRead, time.Hour, "")
	numbers, _ := e.mint(account.ScopeMetrics, time.Hour, "")
	deploy, _ := e.mint(account.ScopeDeploy, time.Hour, "10.0.0.0/16")
	all, _ := e.mint(account.ScopeAdmin, time.Hour, "")
	expired, _ := e.mint(account.ScopeAdmin, -time.Second, "")
	elsewhere, _ := e.mint(account.ScopeAdmin, time.Hour, "192.0.2.0/24, 2001:db8::/32")
	revoked, row := e.mint(account.ScopeAdmin, time.Hour, "")
	if _, err := e.tokens.Revoke(e.t.Context(), row.ID); err != nil {
		e.t.Fatal(err)
	}
	garbage := "berth_" + strings.Repeat("A", 43)
	return []visitor{
		{"anonymous", nil, refused},
		{"metrics", asBearer(numbers), byScope(account.ScopeMetrics)},
		{"read", asBearer(read), byScope(account.ScopeRead)},
		{"deploy", asBearer(deploy), byScope(account.ScopeDeploy)},
		{"admin", asBearer(all), byScope(account.ScopeAdmin)},
		{"session", e.asAccount(e.account("ada", false)), bySession},
		{"one-time", e.asAccount(e.account("grace", true)), byFreshSession},
		{"a garbage token", asBearer(garbage), refused},
		{"an expired token", asBearer(expired), refused},
		{"a revoked token", asBearer(revoked), refused},
		{"a token from a wrong address", asBearer(elsewhere), refused},
		{"a session of a removed account", e.asRemoved(), refused},
		{"a session and a revoked token", both(e.asAccount(e.account("alan", false)), asBearer(revoked)), refused},
	}
}

// asRemoved is a browser whose session is gone with its account.
func (e *envelope) asRemoved() func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-berth", Value: newSessionID()}) }
}

func both(first, second func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) { first(r); second(r) }
}

// goldenVisitors is how many of the visitors have a column in access.golden; the
// others are refused everywhere.
const goldenVisitors = 7

// TestAccess_MatrixOfEveryRouteAndEveryVisitor tries each line of the table. What
// it finds stands in testdata/access.golden, so that a change of who may do what
// is seen in a review: go test ./router -run TestAccess_Matrix -update.
func TestAccess_MatrixOfEveryRouteAndEveryVisitor(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	visitors := e.visitors()
	var found strings.Builder
	line := func(first string, cells []string) {
		row := fmt.Sprintf("%-55s", first)
		for _, cell := range cells {
			row += fmt.Sprintf(" %-9s", cell)
		}
		fmt.Fprintln(&found, strings.TrimRight(row, " "))
	}
	var names []string
	for _, v := range visitors[:goldenVisitors] {
		names = append(names, v.name)
	}
	line("# route", names)
	for _, r := range new(admin).routes() {
		var cells []string
		for i, v := range visitors {
			want := v.wanted(r)
			if r.access.public {
				want = letIn
			}
			answer := e.ask(r.method, concrete(r.path), v.as)
			got := verdict(answer)
			if r.path == loginCodePath && got == unknown {
				got = letIn // it leads back to the beginning of a login
			}
			if v.name == "one-time" && got == letIn && answer.Header().Get("Location") == "/password" {
				got = mustChangeIt
			}
			if got != want {
				t.Errorf("%s %s as %s: %s (%d), want %s", r.method, r.path, v.name, got, answer.Code, want)
			}
			if i < goldenVisitors {
				cells = append(cells, got)
			}
		}
		line(r.method+" "+r.path, cells)
	}
	compareGolden(t, filepath.Join("testdata", "access.golden"), found.String())
}

func TestAccess_NoMethodBesideTheTable(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	known := map[string]bool{}
	for _, r := range new(admin).routes() {
		known[r.method+" "+r.path] = true
	}
	as := e.asAccount(e.account("ada", false))
	for _, r := range new(admin).routes() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
			if known[method+" "+r.path] {
				continue
			}
			if answer := e.ask(method, concrete(r.path), as); answer.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, r.path, answer.Code)
			}
		}
	}
}

func TestAccess_FailsClosedWithoutALedger(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	who := e.account("ada", false)
	plain, err := e.tokens.MintToken(t.Context(), account.TokenOptions{Name: "ci", Scope: account.ScopeRead, TTL: time.Hour, Account: who})
	if err != nil {
		t.Fatal(err)
	}
	if answer := e.ask(http.MethodGet, "/api/v1/apps", asBearer(plain)); answer.Code != http.StatusOK {
		t.Fatalf("status %d", answer.Code)
	}
	if err := e.ledger.Close(); err != nil { // the ledger fails closed too
		t.Fatal(err)
	}
	if answer := e.ask(http.MethodGet, "/api/v1/apps", asBearer(plain)); answer.Code != http.StatusInternalServerError {
		t.Errorf("without a ledger: %d", answer.Code)
	}
}

// compareGolden compares with a file of testdata, or writes it with -update.
func compareGolden(t *testing.T, file, found string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(found), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	wanted, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if found != string(wanted) {
		t.Errorf("%s differs; if that is meant, run with -update and let a person read the difference. Found:\n%s", file, found)
	}
}
