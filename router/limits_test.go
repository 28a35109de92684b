package router

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/controller/store/storetest"
)

// freshLedger is a real one, which costs no migration.
func freshLedger(t testing.TB) *store.Store {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	return ledger
}

// manyRequests leaves out of the way what a test is not about.
var manyRequests = limit.Budgets{
	limit.Default: {{Requests: 1_000_000, Span: time.Hour}}, limit.Containers: {{Requests: 1_000_000, Span: time.Hour}},
	limit.Hosts: {{Requests: 1_000_000, Span: time.Hour}}, limit.Notifications: {{Requests: 1_000_000, Span: time.Hour}},
}

func openLimits(t testing.TB, ledger *store.Store, now func() time.Time, budgets limit.Budgets) *limit.Limiter {
	t.Helper()
	limits, err := limit.Open(t.Context(), limit.Options{Ledger: ledger.Limits(), Budgets: budgets, Logger: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return limits
}

// wrongLogin guesses once, with headers that claim to come from elsewhere.
func (s *site) wrongLogin(name, token string, forge http.Header) answer {
	s.t.Helper()
	form := url.Values{formField: {token}, "username": {name}, "password": {"guess"}}
	r := s.request(http.MethodPost, "/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for key, values := range forge {
		r.Header[key] = values
	}
	return s.do(r)
}

// passed counts the guesses that reached the password check.
func (s *site) passed(times int, forge func(i int) http.Header) (passed int) {
	s.t.Helper()
	token := s.formToken("/login")
	for i := range times {
		switch answer := s.wrongLogin(fmt.Sprintf("name%d", i), token, forge(i)); answer.StatusCode {
		case http.StatusUnauthorized:
			passed++
		case http.StatusTooManyRequests:
		default:
			s.t.Fatalf("status %d: %.300s", answer.StatusCode, answer.body)
		}
	}
	return passed
}

func TestLimits_ForgedHeadersBuyNoAttempts(t *testing.T) {
	t.Parallel()
	proxy := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/24")}
	forged := func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }
	for name, attack := range map[string]struct {
		trusted []netip.Prefix
		forge   func(i int) http.Header
	}{
		"every header, no proxy": {nil, func(i int) http.Header {
			return http.Header{
				"X-Forwarded-For": {forged(i)}, "Forwarded": {"for=" + forged(i)}, "X-Real-Ip": {forged(i)},
				"Cf-Connecting-Ip": {forged(i)}, "True-Client-Ip": {forged(i)}, "X-Client-Ip": {forged(i)}, "X-Appengine-Remote-Addr": {forged(i)},
			}
		}},
		"left of what the proxy wrote": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {forged(i) + ", 198.51.100.7"}, "Forwarded": {"for=" + forged(i)}, "X-Real-Ip": {forged(i)}}
		}},
		"in a line of its own": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {forged(i), "198.51.100.7"}}
		}},
		"behind a second trusted hop": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {forged(i) + ", 198.51.100.7, 10.0.0.9"}}
		}},
		"garbage on the left": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {fmt.Sprintf("x%d<;, , 198.51.100.7", i)}}
		}},
		"garbage on the right": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {forged(i) + ", 198.51.100.7:443"}}
		}},
		"other spellings": {proxy, func(i int) http.Header {
			return http.Header{"X-Forwarded-For": {[]string{"198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"}[i%3]}}
		}},
		"no X-Forwarded-For from the proxy": {proxy, func(i int) http.Header {
			return http.Header{"Forwarded": {"for=" + forged(i)}, "X-Real-Ip": {forged(i)}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.TrustedProxies = attack.trusted })
			if passed := s.passed(200, attack.forge); passed != 5 {
				t.Errorf("%d of 200 guesses were tried", passed)
			}
		})
	}
}

// With one account the form has no name field, and what is sent as a name counts
// for nothing: it must not buy attempts at that account either.
func TestLimits_NamesBuyNoAttemptsWhereThereIsOneAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	passed := s.passed(40, func(i int) http.Header {
		return http.Header{"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", i)}}
	})
	if passed != 5 {
		t.Errorf("%d of 40 guesses at one account were tried", passed)
	}
}

func TestLimits_BehindATrustedProxyEveryClientHasItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s.accounts.several = true
	passed := s.passed(20, func(i int) http.Header {
		return http.Header{"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", i%2)}}
	})
	if passed != 10 {
		t.Errorf("%d guesses of two clients were tried, want 10", passed)
	}
	last := s.audit.recorded()
	if address := last[len(last)-1].Address; address != "203.0.113.1" {
		t.Errorf("the audit log says %q", address)
	}
}

func TestLimits_ParallelGuessesReachThePasswordCheckFiveTimes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.formToken("/login")
	var checked atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if s.wrongLogin("admin", token, nil).StatusCode == http.StatusUnauthorized {
				checked.Add(1)
			}
		})
	}
	group.Wait()
	if checked.Load() != 5 {
		t.Errorf("%d of 50 parallel guesses were tried", checked.Load())
	}
}

func TestLimits_OwnerSignsInAtHomeWhileAnAttackerElsewhereGuesses(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s.signIn() // from 127.0.0.1: no header, so the peer
	s.client = s.browser()
	token := s.formToken("/login")
	for i := range 30 {
		s.wrongLogin("admin", token, http.Header{"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", i)}})
	}
	if answer := s.wrongLogin("admin", token, http.Header{"X-Forwarded-For": {"192.0.2.1"}}); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the account is not limited elsewhere: %d", answer.StatusCode)
	}
	s.signIn()
}

func TestLimits_NamesThatDoNotExistAnswerTheSame(t *testing.T) {
	t.Parallel()
	told := map[string]string{}
	for _, name := range []string{"admin", "nobody"} {
		s := newSite(t)
		token := s.formToken("/login")
		for range 5 {
			s.wrongLogin(name, token, nil)
		}
		answer := s.wrongLogin(name, token, nil)
		told[name] = fmt.Sprint(answer.StatusCode, answer.Header.Get("Retry-After")) +
			regexp.MustCompile(`[A-Z0-9]{16}|\d\d:\d\d:\d\d|value="[^"]{43}"|value="`+name+`"`).ReplaceAllString(answer.body, "")
	}
	if told["admin"] != told["nobody"] {
		t.Errorf("they differ:\n%s\n%s", told["admin"], told["nobody"])
	}
}

// withClock gives the site limits on a clock to move, and the budgets of the documents.
func withClock(t *testing.T) (move func(time.Duration), options func(*Options)) {
	t.Helper()
	at := time.Now()
	limits := openLimits(t, freshLedger(t), func() time.Time { return at }, nil)
	return func(d time.Duration) { at = at.Add(d) }, func(o *Options) { o.Limits = limits }
}

func TestLimits_RetryAfterIsRightAndTheLockEndsByItself(t *testing.T) {
	t.Parallel()
	move, limits := withClock(t)
	s := newSite(t, limits)
	token := s.formToken("/login")
	for range 5 {
		s.wrongLogin("admin", token, nil)
	}
	move(5*time.Minute + 500*time.Millisecond)
	answer := s.wrongLogin("admin", token, nil)
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "600" {
		t.Fatalf("%d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	mustContain(t, answer.body, "5 per 15 minutes", "Try again in 10 minutes", "UTC")
	move(600 * time.Second)
	if answer := s.wrongLogin("admin", token, nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the time that it named: %d", answer.StatusCode)
	}
}

func TestLimits_EveryRequestCountsByAddress(t *testing.T) {
	t.Parallel()
	move, limits := withClock(t)
	s := newSite(t, limits)
	for i, path := range []string{"/healthz", "/static/nothing.css", "/nowhere", "/login", "/admin"} {
		for range 20 {
			if answer := s.get(path); answer.StatusCode == http.StatusTooManyRequests {
				t.Fatalf("refused at %d", i)
			}
		}
	}
	for _, path := range []string{"/healthz", "/nowhere", "/login", "/admin", "/static/nothing.css"} {
		answer := s.get(path)
		if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
		mustContain(t, answer.body, "100 per minute and 1,000 per hour")
	}
	answer := s.bearer("berth_unknown", http.MethodGet, "/api/v1/apps", "") // one that holds has its own: everybody shares this address
	if answer.Header.Get("Content-Type") != "application/problem+json; charset=utf-8" || answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the API answers %d %s", answer.StatusCode, answer.body)
	}
	move(2 * time.Minute)
	if answer := s.get("/healthz"); answer.StatusCode != http.StatusOK {
		t.Errorf("after two minutes: %d", answer.StatusCode)
	}
}

func TestLimits_EveryViolationIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	for range 100 + 350 {
		s.get("/healthz")
	}
	var violations []audit.Event
	for _, event := range s.audit.recorded() {
		if event.Action == audit.ActionRateLimitExceeded {
			violations = append(violations, event)
		}
	}
	if len(violations) != 350 {
		t.Fatalf("%d entries for 350 violations", len(violations))
	}
	last := violations[len(violations)-1]
	if last.Resource != "limit default" || last.Success || last.Address != "127.0.0.1" || last.RequestID == "" {
		t.Errorf("recorded %+v", last)
	}
	mustContain(t, last.Detail, "GET /healthz", "refused 350 times so far")
}

func TestLimits_UploadCountsWhereItWasAcceptedAlone(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	good := []part{{"csrf_token", token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}, zipPart}
	typo := []part{{"csrf_token", token, ""}, {"name", "No Name", ""}, {"route", "/hello", ""}, zipPart}
	look := append([]part{{"csrf_token", token, ""}, {"check", "true", ""}}, good[1:]...)
	for range 12 {
		if answer := s.upload("/upload", "", typo...); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("a typo: %d", answer.StatusCode)
		}
		if answer := s.upload("/upload", "", look...); answer.StatusCode != http.StatusOK {
			t.Fatalf("a preview: %d %.300s", answer.StatusCode, answer.body)
		}
	}
	s.apps.onAccept = func(controller.Upload) (app.Release, error) {
		return app.Release{}, problem.Invalid("It has no Dockerfile.", "Add one.").At(fieldArchive)
	}
	for range 12 {
		if answer := s.upload("/upload", "", good...); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("a refused archive: %d", answer.StatusCode)
		}
	}
	s.apps.onAccept = nil
	for i := range 10 {
		page := s.get("/upload").body
		if says := strings.Contains(page, "uploads of new apps left in 1 hour"); says != (i >= 6) {
			t.Errorf("with %d left the page says so: %v", 10-i, says)
		}
		if answer := s.upload("/upload", "", good...); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("upload %d: %d", i, answer.StatusCode)
		}
	}
	answer := s.upload("/upload", "", good...)
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh upload: %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "Deploy an app", `value="hello"`, `value="/hello"`, "Try again in", `href="/settings/limits"`)
	if answer := s.upload("/upload", deployToken, good[1:]...); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a token has the budget of an account: %d", answer.StatusCode)
	}
}

func TestLimits_ParallelUploadsAreAcceptedTenTimes(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	var accepted atomic.Int64
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart)
			if answer.StatusCode == http.StatusSeeOther {
				accepted.Add(1)
			}
		})
	}
	group.Wait()
	if accepted.Load() != 10 {
		t.Errorf("%d of 30 parallel uploads were accepted", accepted.Load())
	}
}

func TestLimits_WhatIsNoUploadIsNoUpdate(t *testing.T) {
	t.Parallel()
	for _, r := range new(admin).routes() {
		if r.limit == limit.Update && !strings.HasSuffix(r.path, "/update") && !strings.HasPrefix(r.path, gitPath) { // a push is one
			t.Errorf("%s %s counts as an update", r.method, r.path)
		}
	}
}

func TestLimits_SignInCountsFailuresAlone(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	for range 12 {
		s.client = s.browser()
		s.signIn()
	}
	token := s.formToken("/settings/account")
	for range 12 { // the old password is right, the new one is none
		form := url.Values{formField: {token}, "old_password": {"right"}, "new_password": {"a"}, "repeat_password": {"b"}}
		if answer := s.post("/password", form); answer.StatusCode == http.StatusTooManyRequests {
			t.Fatal("a slip in the new password counted")
		}
	}
	s.client = s.browser()
	if passed := s.passed(20, func(int) http.Header { return nil }); passed != 5 {
		t.Errorf("after that %d of 20 guesses were tried", passed)
	}
}

func TestLimits_RefusedSignInKeepsItsForm(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	s.accounts.several = true
	token := s.formToken("/login")
	for range 5 {
		s.wrongLogin("grace", token, nil)
	}
	answer := s.wrongLogin("grace", token, nil)
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, `value="grace"`, `name="password"`, "Try again in", "berth limits --clear")
}

// Behind the engine's published port everybody has one address.
func TestLimits_ASessionHasItsOwnBehindASharedAddress(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	s.signIn()
	owner, stranger := s.client, s.browser()
	s.client = stranger
	for range 150 {
		r := s.request(http.MethodGet, "/login", nil)
		r.AddCookie(&http.Cookie{Name: "berth", Value: strings.Repeat("A", 43)}) // an id that was made up is no session
		s.do(r)
	}
	if answer := s.get("/login"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the address is not limited: %d", answer.StatusCode)
	}
	s.client = owner
	if answer := s.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("a session behind it: %d", answer.StatusCode)
	}
	for range 100 {
		s.get("/healthz")
	}
	if answer := s.get("/healthz"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a session is not limited: %d", answer.StatusCode)
	}
}

func TestLimitsPage_ChangesALimitAtOnceAndBack(t *testing.T) {
	t.Parallel()
	ledger := freshLedger(t)
	first := limit.Budgets{limit.Default: manyRequests[limit.Default], limit.Upload: {{Requests: 2, Span: time.Hour}}}
	s := newSite(t, func(o *Options) { o.Limits = openLimits(t, ledger, time.Now, first) })
	token := s.signIn()
	upload := func() int {
		return s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart).StatusCode
	}
	for _, want := range []int{http.StatusSeeOther, http.StatusSeeOther, http.StatusTooManyRequests} {
		if got := upload(); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	}
	change := url.Values{formField: {token}, "class": {"upload"}, "budget": {"3/1h"}}
	if answer := s.post("/settings/limits", change); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("change: %d %.300s", answer.StatusCode, answer.body)
	}
	events := s.audit.recorded()
	if last := events[len(events)-1]; last.Action != audit.ActionRateLimitChange || last.Resource != "limit upload" || last.Detail != "3 per hour" {
		t.Errorf("recorded %+v", last)
	}
	mustContain(t, s.get("/settings/limits").body, "the limit is 3 per hour from now on", "Reset to default")
	if got := upload(); got != http.StatusSeeOther {
		t.Errorf("after the change: %d", got)
	}
	state, err := openLimits(t, ledger, time.Now, first).State(t.Context())
	if err != nil || state.Classes[1].Budget.Words() != "3 per hour" {
		t.Errorf("after a restart: %+v, %v", state.Classes[1], err)
	}
	change.Set("budget", "lots")
	answer := s.post("/settings/limits", change)
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no limit: %d", answer.StatusCode)
	}
	mustContain(t, answer.body, `value="lots"`, "is not a limit")
	if answer := s.post("/settings/limits", url.Values{formField: {token}, "class": {"default"}, "budget": {"1/1h"}}); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a limit that shuts everybody out: %d", answer.StatusCode)
	}
	change.Set("reset", "1")
	if answer := s.post("/settings/limits", change); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("reset: %d", answer.StatusCode)
	}
	mustContain(t, s.get("/settings/limits").body, "2 per hour")
}

func TestLimits_AnAPICountsEveryRouteBelowIt(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]struct {
		class limit.Class
		most  int // requests of a minute
	}{
		"/api/v1/apps": {limit.Containers, 60}, "/api/v1/domains": {limit.Hosts, 30}, "/api/v1/alerts": {limit.Notifications, 20},
	} {
		for _, r := range new(admin).routes() {
			below := strings.HasPrefix(r.path, api)
			if below != slices.Contains(r.counted(), want.class) {
				t.Errorf("%s %s is counted by %q", r.method, r.path, r.counted())
			}
		}
		_, limits := withClock(t)
		s := newSite(t, limits)
		for i := range want.most + 1 {
			answer := s.bearer(readToken, http.MethodGet, api, "")
			if limited := answer.StatusCode == http.StatusTooManyRequests; limited != (i == want.most) {
				t.Fatalf("%s, request %d: %d %s", api, i, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestLimits_EveryClassOfTheTableIsDescribed(t *testing.T) {
	t.Parallel()
	used := map[limit.Class]bool{limit.Default: true, limit.WebSocket: true} // all requests, and what is no request
	for _, r := range new(admin).routes() {
		for _, class := range r.counted() {
			used[class] = true
		}
	}
	for _, d := range limit.Descriptions() {
		if !used[d.Class] {
			t.Errorf("no route is counted by %s", d.Class)
		}
		delete(used, d.Class)
	}
	if len(used) > 0 {
		t.Errorf("routes name classes that there are not: %v", used)
	}
}

func TestLimitsPage_ShowsWhoIsLimitedAndClearsOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.accounts.several = true
	token := s.signIn()
	for range 7 {
		s.wrongLogin(`<img src=x onerror=alert(1)>`, token, nil)
	}
	page := s.get("/settings/limits")
	mustContain(t, page.body, "Security: rate limits", "App upload", "10 per hour", "1,000,000 per hour",
		"address 127.0.0.1", "account &lt;img", "2 refused")
	if strings.Contains(page.body, "<img src=x") {
		t.Error("the name ran")
	}
	token = s.formToken("/settings/limits")
	clear := url.Values{formField: {token}, "class": {"login"}, "subject": {"address 127.0.0.1"}}
	if answer := s.post("/settings/limits/clear", clear); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("clear: %d %s", answer.StatusCode, answer.body)
	}
	events := s.audit.recorded()
	if last := events[len(events)-1]; last.Action != audit.ActionRateLimitClear || last.Resource != "limit login" || last.Detail != "address 127.0.0.1" {
		t.Errorf("recorded %+v", last)
	}
	mustContain(t, s.get("/settings/limits").body, "address 127.0.0.1 can go on")
	if answer := s.wrongLogin("other", token, nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after it was cleared: %d", answer.StatusCode)
	}
	clear.Set("class", "nonsense")
	if answer := s.post("/settings/limits/clear", clear); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a class that there is not: %d", answer.StatusCode)
	}
}
