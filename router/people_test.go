package router

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/secret"
	"berth/controller/store"
)

// people is a site with real accounts, sessions and second factors over a real
// ledger. Only the hashing of passwords costs nothing.
type people struct {
	*site
	ledger  *store.Store
	verify  int           // comparisons of passwords so far
	shift   time.Duration // how far the clock of the sessions is ahead
	factors *account.SecondFactors
}

const peoplePassword = "Correct-Horse-7"

func newPeople(t *testing.T, change ...func(*Options)) *people {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	p := &people{ledger: ledger}
	accounts := account.NewAccounts(ledger, "", slog.New(slog.DiscardHandler))
	accounts.UseHasher(
		func(password string) (string, error) { return "hash of " + password, nil },
		func(hash, password string) bool { p.verify++; return hash == "hash of "+password },
	)
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	p.factors = account.NewSecondFactors(ledger, accounts, key, slog.New(slog.DiscardHandler))
	p.site = newSite(t, append([]func(*Options){func(o *Options) {
		o.Accounts, o.Factors, o.Sessions = accounts, p.factors, &agingSessions{Store: ledger, shift: &p.shift}
	}}, change...)...)
	p.person(account.OperatorName)
	return p
}

// agingSessions is a ledger in which every session began and was seen some time earlier than it says.
type agingSessions struct {
	*store.Store
	shift *time.Duration
}

func (a *agingSessions) FindSession(ctx context.Context, hash string) (account.Session, error) {
	session, err := a.Store.FindSession(ctx, hash)
	session.CreatedAt, session.SeenAt = session.CreatedAt.Add(-*a.shift), session.SeenAt.Add(-*a.shift)
	return session, err
}

// person makes an account with the password of all of them.
func (p *people) person(name string) account.Account {
	p.t.Helper()
	account, err := p.ledger.CreateAccount(p.t.Context(), account.Account{
		Name: name, PasswordHash: "hash of " + peoplePassword, CreatedAt: time.Now(),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return account
}

// enter sends the login form.
func (p *people) enter(name, password string) answer {
	p.t.Helper()
	return p.post("/login", url.Values{formField: {p.formToken("/login")}, "username": {name}, "password": {password}})
}

// mustEnter signs the browser in, and gives the form token of the session.
func (p *people) mustEnter(name string) string {
	p.t.Helper()
	if answer := p.enter(name, peoplePassword); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin" {
		p.t.Fatalf("sign in: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	return p.formToken("/password")
}

// enableFactor walks through the pages that set a second factor up. It gives
// what the phone knows then, and the recovery codes.
func (p *people) enableFactor(token string) (phone string, recovery []string) {
	p.t.Helper()
	began := p.post("/settings/second-factor/begin", url.Values{formField: {token}, "password": {peoplePassword}})
	if began.StatusCode != http.StatusSeeOther {
		p.t.Fatalf("begin: %d %.600s", began.StatusCode, began.body)
	}
	found := regexp.MustCompile(`<code>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})</code>`).FindStringSubmatch(p.get("/settings/second-factor").body)
	if found == nil {
		p.t.Fatal("the page shows no key")
	}
	phone = strings.ReplaceAll(found[1], " ", "")
	on := p.post("/settings/second-factor/confirm", url.Values{formField: {token}, "code": {p.phoneCode(phone, 0)}})
	if on.StatusCode != http.StatusOK {
		p.t.Fatalf("confirm: %d %.600s", on.StatusCode, on.body)
	}
	for _, code := range regexp.MustCompile(`<li><code>([2-9A-Z-]{19})</code>`).FindAllStringSubmatch(on.body, -1) {
		recovery = append(recovery, code[1])
	}
	return phone, recovery
}

// phoneCode is what the phone shows, some steps from now.
func (p *people) phoneCode(phone string, steps int) string {
	p.t.Helper()
	code, err := totp.GenerateCode(phone, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// lastAudit is the newest entry of the audit log.
func (p *people) lastAudit() audit.Event {
	p.t.Helper()
	events := p.audit.recorded()
	if len(events) == 0 {
		p.t.Fatal("nothing was recorded")
	}
	return events[len(events)-1]
}

func (p *people) expectAudit(action audit.Action, success bool, account string) {
	p.t.Helper()
	if last := p.lastAudit(); last.Action != action || last.Success != success || last.Account != account {
		p.t.Errorf("recorded %s %t by %q, want %s %t by %q", last.Action, last.Success, last.Account, action, success, account)
	}
}
