package router

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/test/patience"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// enterFrom signs in with a browser that calls itself that.
func (p *people) enterFrom(userAgent string) (token string) {
	p.t.Helper()
	p.client = p.browser()
	form := url.Values{formField: {p.formToken("/login")}, "username": {"admin"}, "password": {peoplePassword}}
	r := p.request(http.MethodPost, "/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", userAgent)
	if answer := p.do(r); answer.StatusCode != http.StatusSeeOther {
		p.t.Fatalf("sign in: %d", answer.StatusCode)
	}
	return p.formToken("/settings/sessions")
}

var sessionPattern = regexp.MustCompile(`name="session" value="([0-9a-f]{64})"`)

func TestSessions_AreListedWithDeviceAndAddressAndThisOneIsMarked(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.enterFrom(firefox)
	p.enterFrom("curl/8.14")
	page := p.get("/settings/sessions").body
	mustContain(t, page, "Firefox on Linux", "Curl <span class=\"badge good\">this one</span>", "127.0.0.1", "30 minutes after", "12 hours after")
	if found := sessionPattern.FindAllString(page, -1); len(found) != 1 {
		t.Errorf("%d sessions can be ended, want only the other one", len(found))
	}
}

func TestSessions_UserAgentIsNeverMarkup(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.enterFrom(payload + "Firefox/1")
	page := p.get("/settings/sessions").body
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
		t.Error("the payload got through")
	}
	mustContain(t, page, "&lt;script&gt;alert(1)")
}

func TestSessions_EndingOneClosesItsStreamsAndItsCookieOpensNothing(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.anApp("hello")
	p.enterFrom(firefox)
	victim := p.client
	streams := map[string]*events{}
	for _, path := range []string{"/admin/events", "/admin/apps/hello/output/events"} {
		streams[path] = openEvents(t, p.site, path, "")
		streams[path].next(t)
	}
	token := p.enterFrom("curl/8.14")
	hash := sessionPattern.FindStringSubmatch(p.get("/settings/sessions").body)[1]
	answer := p.post("/settings/sessions/end", url.Values{formField: {token}, "session": {hash}})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	p.expectAudit(audit.ActionSessionEnd, true, "admin")
	for path, stream := range streams {
		// The stream of the test gives up after ten seconds by itself, with an error that is not the end.
		began := time.Now()
		_, err := io.Copy(io.Discard, stream.reader)
		if err != nil || time.Since(began) > patience.Of(5*time.Second) {
			t.Errorf("%s goes on after its session: %v", path, err)
		}
	}
	p.client = victim
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the ended session still opens: %d", answer.StatusCode)
	}
}

func TestSessions_NobodyEndsTheSessionOfAnother(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.person("bob")
	p.enterFrom(firefox)
	victim, id := p.client, p.cookie(sessionCookie)
	p.client = p.browser()
	token := p.mustEnter("bob")
	answer := p.post("/settings/sessions/end", url.Values{formField: {token}, "session": {hashID(id)}})
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", answer.StatusCode)
	}
	p.post("/settings/sessions/end-others", url.Values{formField: {token}})
	p.client = victim
	if answer := p.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("bob ended it: %d", answer.StatusCode)
	}
}

func TestSessions_EndOthersKeepsThisOne(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.enterFrom(firefox)
	other := p.client
	token := p.enterFrom(firefox)
	p.post("/settings/sessions/end-others", url.Values{formField: {token}})
	if answer := p.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("this one: %d", answer.StatusCode)
	}
	p.client = other
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the other: %d", answer.StatusCode)
	}
}

func TestSessions_EndByTheConfiguredTimes(t *testing.T) {
	t.Parallel()
	p := newPeople(t, func(o *Options) {
		o.SessionLife = account.SessionLife{Idle: 10 * time.Minute, Absolute: time.Hour}
	})
	p.mustEnter("admin")
	p.shift = 9 * time.Minute
	if answer := p.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("ended early: %d", answer.StatusCode)
	}
	p.client = p.browser()
	p.shift = 0
	p.mustEnter("admin")
	p.shift = 10 * time.Minute
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("idle, and still %d", answer.StatusCode)
	}
}

func TestSessions_AnAccountHasAtMostFifty(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	admin, err := p.ledger.FindAccountByName(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for range account.SessionsPerAccount + 5 {
		now = now.Add(time.Millisecond)
		if err := p.ledger.CreateSession(t.Context(), account.Session{Hash: hashID(newSessionID()), Account: admin.ID, CreatedAt: now, SeenAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	p.client = p.browser()
	p.mustEnter("admin")
	sessions, err := p.ledger.ListSessionsOf(t.Context(), admin.ID)
	if err != nil || len(sessions) != account.SessionsPerAccount {
		t.Errorf("%d sessions, %v", len(sessions), err)
	}
	if answer := p.get("/admin"); answer.StatusCode != http.StatusOK {
		t.Errorf("the new one was the one to go: %d", answer.StatusCode)
	}
}

func TestDevice_SaysInWordsWhatABrowserClaimsToBe(t *testing.T) {
	t.Parallel()
	for userAgent, want := range map[string]string{
		firefox: "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                         "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                   "Chrome on Android",
		"Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1":       "Chrome on iPad",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0":                     "Opera on Linux",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                          "Chrome on ChromeOS",
		"Mozilla/5.0 (X11; OpenBSD amd64) Something/1.0": "A browser on OpenBSD",
		"curl/8.14.1": "Curl", "Go-http-client/2.0": "A Go program", "": "Unknown device", "<b>": "Unknown device",
	} {
		if got := device(userAgent); got != want {
			t.Errorf("%q is %q, want %q", userAgent, got, want)
		}
	}
}
