package controller_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/certificates"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/test/authority"
	"berth/traefik"
)

// hosts is Certificates over a real ledger and real files. The proxy is a fake
// that serves what the test says.
type hosts struct {
	*certificates.Certificates
	t      *testing.T
	ledger *store.Store
	folder string
	admin  traefik.Host // the admin app's public one

	mu        sync.Mutex
	chains    map[traefik.Host][]*x509.Certificate
	log       []string
	restarts  int
	gate      []netip.Prefix // that the gate trusts
	refuse    []error        // of each time that the proxy should be ready
	published []traefik.Table
	ordered   []traefik.Host
	looks     int
}

func newHosts(t *testing.T, defaults certificates.ProxySettings, names ...string) *hosts {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	h := &hosts{t: t, ledger: ledger, folder: t.TempDir(), chains: make(map[traefik.Host][]*x509.Certificate)}
	found := app.App{Name: "app", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now()}
	for _, name := range names {
		route, err := traefik.ParseRoute(name)
		if err != nil {
			t.Fatal(err)
		}
		found.Routes = append(found.Routes, route)
	}
	release := app.Release{ReleaseID: app.ReleaseID{App: "app"}, State: app.ReleaseQueued, CreatedAt: time.Now(), Settings: found.Settings}
	if _, err := ledger.CreateApp(t.Context(), found, release); err != nil {
		t.Fatal(err)
	}
	h.open(defaults)
	return h
}

// open is a start of Berth.
func (h *hosts) open(defaults certificates.ProxySettings) {
	h.t.Helper()
	h.openWith(defaults, "a key of the tests")
}

func (h *hosts) openWith(defaults certificates.ProxySettings, text secret.Text) {
	h.t.Helper()
	key, err := secret.DeriveKey(text)
	if err != nil {
		h.t.Fatal(err)
	}
	book, _, err := certificates.Open(h.t.Context(), certificates.Options{
		Ledger: h.ledger, Engine: h, Ready: h.ready, Folder: h.folder, Key: key, Defaults: defaults, Base: "base.example.com", Admin: h.admin,
		Static: traefik.StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2"), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}}, Self: netip.MustParseAddr("192.0.2.3"),
		Near:     certificates.Neighbours{Networks: []netip.Prefix{netip.MustParsePrefix("10.201.0.0/16")}, Machine: netip.MustParseAddr("10.201.0.1")},
		TellGate: func(trusted []netip.Prefix) error { h.gate = trusted; return nil },
		Served:   h.served, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Certificates = certificates.New(book, h)
}

// Publish publishes what the routes of the app are.
func (h *hosts) Publish(ctx context.Context) error {
	apps, err := h.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	table, err := h.Secure(ctx, traefik.Table{Targets: []traefik.Target{{App: "app", Release: 1, Address: "app:80", Routes: apps[0].Routes}}})
	if err != nil {
		return err
	}
	if _, err := traefik.Generate(table); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.published = append(h.published, table)
	return nil
}

// NoteCertificateOrder notes a certificate that an authority gave.
func (h *hosts) NoteCertificateOrder(_ context.Context, host traefik.Host) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ordered = append(h.ordered, host)
	return nil
}

// domain is what the proxy was told of the host last.
func (h *hosts) domain(host traefik.Host) traefik.Domain {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.published[len(h.published)-1].Domains
	at := slices.IndexFunc(last, func(d traefik.Domain) bool { return d.Host == host })
	if at < 0 {
		h.t.Fatalf("%s was not published", host)
	}
	return last[at]
}

func (h *hosts) served(_ context.Context, host traefik.Host) ([]*x509.Certificate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks++
	if chain, ok := h.chains[host]; ok {
		return chain, nil
	}
	return []*x509.Certificate{{DNSNames: []string{"fallback.berth.internal"}}}, nil
}

func (h *hosts) serve(host traefik.Host, chain []byte) {
	h.t.Helper()
	block, _ := pem.Decode(chain)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chains[host] = []*x509.Certificate{certificate}
}

func (h *hosts) RestartProxy(context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restarts++
	return true, nil
}

func (h *hosts) ready(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.refuse) == 0 {
		return nil
	}
	next := h.refuse[0]
	h.refuse = h.refuse[1:]
	return next
}

func (h *hosts) ReadProxyLog(_ context.Context, _ time.Time, each func(docker.Line) error) error {
	h.mu.Lock()
	lines := slices.Clone(h.log)
	h.mu.Unlock()
	for _, line := range lines {
		if err := each(docker.Line{At: time.Now(), Text: line}); err != nil {
			return err
		}
	}
	return nil
}

// runs starts the watcher until the test ends.
func (h *hosts) runs() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); <-ended })
	if err := h.Publish(ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hosts) view(host traefik.Host) certificates.DomainView {
	h.t.Helper()
	views, err := h.Domains(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	at := slices.IndexFunc(views, func(v certificates.DomainView) bool { return v.Host == host })
	if at < 0 {
		h.t.Fatalf("there is no %s", host)
	}
	return views[at]
}

func (h *hosts) eventually(what string, check func() bool) {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); !check(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("in vain: %s", what)
		}
	}
}

func other() certificates.ProxySettings {
	return certificates.DefaultProxySettings("me@example.com", "https://ca.test/directory", false)
}

func TestCertificates_AskForEachHostAndRedirectOnceItHasOne(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com", "b.example.com/shop", "/plain")
	h.runs()
	first := h.domain("a.example.com")
	if !strings.HasSuffix(first.Resolver, "-http") || first.RedirectHTTPS {
		t.Errorf("at first %+v", first)
	}
	chain, _ := authority.SelfSigned(t, "a.example.com")
	h.serve("a.example.com", chain)
	h.eventually("plain requests are sent on", func() bool { return h.domain("a.example.com").RedirectHTTPS })
	if seen := h.view("a.example.com").Seen; !seen.Trusted || seen.Issuer != "own of the test" || seen.Until.IsZero() {
		t.Errorf("seen %+v", seen)
	}
	if h.domain("b.example.com").RedirectHTTPS {
		t.Error("a host with the fallback is redirected")
	}
}

func TestCertificates_ADryRunIsNotTrustedAndNeverInsistsOnHTTPS(t *testing.T) {
	t.Parallel()
	h := newHosts(t, certificates.DefaultProxySettings("me@example.com", "", false), "a.example.com")
	h.runs()
	if got := h.domain("a.example.com").Resolver; got != "staging-http" {
		t.Errorf("the first certificate is asked from %s", got)
	}
	chain, _ := authority.SelfSigned(t, "a.example.com")
	h.serve("a.example.com", chain)
	if err := h.UpdateDomain(t.Context(), "a.example.com", certificates.DomainChange{HSTS: time.Hour}); err != nil {
		t.Fatal(err)
	}
	h.eventually("it is seen", func() bool { return h.view("a.example.com").Seen.DryRun })
	if got := h.domain("a.example.com"); got.RedirectHTTPS || got.HSTS != 0 {
		t.Errorf("%+v", got)
	}
	form := h.Settings().Form()
	form.DryRun = false
	if changed, restarted, err := h.UpdateSettings(t.Context(), form); changed != "dry_run" || !restarted || err != nil {
		t.Fatalf("%q %t %v", changed, restarted, err)
	}
	if got := h.domain("a.example.com").Resolver; got != "production-http" {
		t.Errorf("after the switch it is asked from %s", got)
	}
}

func TestCertificates_ARefusedHostIsLeftAloneForAWhileAndTold(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com", "b.example.com")
	h.log = []string{`{"level":"error","providerName":"ca-1-http.acme","error":"acme: error: 400 :: urn:ietf:params:acme:error:dns :: NXDOMAIN","domains":["a.example.com"],"time":"` +
		time.Now().UTC().Format(time.RFC3339) + `","message":"Unable to obtain ACME certificate for domains"}`}
	h.runs()
	h.eventually("the refusal is told and nobody is asked", func() bool {
		return h.view("a.example.com").Seen.Failure.Message != "" && h.domain("a.example.com").Resolver == ""
	})
	if h.domain("b.example.com").Resolver == "" {
		t.Error("the other host is left alone too")
	}
	alerts, err := h.Alerts(t.Context())
	if err != nil || len(alerts) != 1 || alerts[0].Host != "a.example.com" {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	if failure := h.view("a.example.com").Seen.Failure; failure.Times != 1 || time.Until(failure.Again) < 4*time.Minute || failure.Hint == "" {
		t.Errorf("failure %+v", failure)
	}
	h.mu.Lock()
	h.log = nil
	h.mu.Unlock()
	if err := h.AskAgain(t.Context(), "a.example.com"); err != nil {
		t.Fatal(err)
	}
	if h.domain("a.example.com").Resolver == "" {
		t.Error("it is not asked again")
	}
}

func TestCertificates_AnOwnOneIsSealedKeptAndTakenBack(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com")
	if err := h.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	chain, key := authority.SelfSigned(t, "a.example.com")
	if _, err := h.UseOwnCertificate(t.Context(), "a.example.com", chain, key); err != nil {
		t.Fatal(err)
	}
	published := h.domain("a.example.com")
	if published.Resolver != "" || published.Certificate == "" {
		t.Fatalf("published %+v", published)
	}
	file := filepath.Join(h.folder, "tls", "own", filepath.Base(published.Certificate))
	information, err := os.Stat(file)
	if err != nil || information.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", information, err)
	}
	domain, err := h.ledger.FindDomain(t.Context(), "a.example.com")
	if err != nil || strings.Contains(string(domain.Sealed), "PRIVATE KEY") || len(domain.Sealed) == 0 {
		t.Errorf("the ledger holds %q, %v", domain.Sealed, err)
	}
	if err := os.Remove(file); err != nil { // a new volume, and a start of Berth
		t.Fatal(err)
	}
	h.open(other())
	if err := h.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "PRIVATE KEY") {
		t.Errorf("the file is not made again: %v", err)
	}
	h.runs()
	if err := h.DropOwnCertificate(t.Context(), "a.example.com"); err != nil {
		t.Fatal(err)
	}
	if got := h.domain("a.example.com"); got.Certificate != "" || got.Resolver == "" {
		t.Errorf("published %+v", got)
	}
}

func TestCertificates_AnOwnOneForAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com")
	chain, key := authority.SelfSigned(t, "b.example.com")
	_, err := h.UseOwnCertificate(t.Context(), "a.example.com", chain, key)
	if problem, ok := errors.AsType[*problem.Problem](err); !ok || problem.Field != "chain" {
		t.Errorf("error %v", err)
	}
	chain, key = authority.SelfSigned(t, "z.example.com")
	if _, err := h.UseOwnCertificate(t.Context(), "z.example.com", chain, key); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("a host that no app has: %v", err)
	}
}

func TestCertificates_AWildcardIsProvenOverDNSOrHasAnOwnOne(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "*.example.com", "a.example.com")
	if err := h.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.domain("*.example.com"); got.Resolver != "" {
		t.Errorf("without a DNS provider an authority is asked: %+v", got)
	}
	for _, source := range []certificates.Source{certificates.SourceHTTP, certificates.SourceTLS} {
		err := h.UpdateDomain(t.Context(), "*.example.com", certificates.DomainChange{Source: source})
		if problem, ok := errors.AsType[*problem.Problem](err); !ok || problem.Field != "source" || !strings.Contains(problem.Message, "over DNS") {
			t.Errorf("%s: %v", source, err)
		}
	}
	form := h.Settings().Form()
	form.DNSProvider, form.DNSCredentials = "cloudflare", "CF_DNS_API_TOKEN=a-hidden-token\n"
	if _, _, err := h.UpdateSettings(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	if got := h.domain("*.example.com"); got.Wildcard != "" || !strings.HasSuffix(got.Resolver, "-dns") {
		t.Errorf("with a DNS provider: %+v", got)
	}
	if got := h.domain("a.example.com"); !strings.HasSuffix(got.Resolver, "-http") {
		t.Errorf("a host of its own below it: %+v", got)
	}
	chain, key := authority.SelfSigned(t, "a.example.com")
	if _, err := h.UseOwnCertificate(t.Context(), "*.example.com", chain, key); err == nil {
		t.Error("a certificate of one host was taken for the wildcard")
	}
	chain, key = authority.SelfSigned(t, "*.example.com")
	if _, err := h.UseOwnCertificate(t.Context(), "*.example.com", chain, key); err != nil {
		t.Fatal(err)
	}
	if got := h.domain("*.example.com"); got.Certificate == "" || strings.Contains(got.Certificate, "*") || got.Resolver != "" {
		t.Errorf("with an own one: %+v", got)
	}
}

func TestProxySettings_AProxyThatDoesNotComeBackGetsTheOldOnesAgain(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com")
	before, err := os.ReadFile(filepath.Join(h.folder, "traefik.yml"))
	if err != nil {
		t.Fatal(err)
	}
	h.refuse = []error{errors.New("it does not answer")}
	h.log = []string{`{"level":"error","error":"field not found","message":"Command error"}`}
	form := h.Settings().Form()
	form.HTTP3, form.Email = true, "you@example.com"
	_, _, err = h.UpdateSettings(t.Context(), form)
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != problem.KindUnavailable || !strings.Contains(fault.Hint, "field not found") {
		t.Errorf("error %v", err)
	}
	after, err := os.ReadFile(filepath.Join(h.folder, "traefik.yml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the file is not the old one: %v", err)
	}
	if h.Settings().HTTP3 || h.restarts != 2 {
		t.Errorf("settings %+v after %d restarts", h.Settings(), h.restarts)
	}
	if _, restarted, err := h.UpdateSettings(t.Context(), form); !restarted || err != nil {
		t.Errorf("the second time: %t, %v", restarted, err)
	}
	h.open(other())
	if got := h.Settings(); !got.HTTP3 || got.Email != "you@example.com" {
		t.Errorf("after a start: %+v", got)
	}
}

func TestProxySettings_RefusesWhatIsWrongBesideItsField(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com")
	for field, change := range map[string]func(*certificates.ProxyForm){
		certificates.FieldAuthority:      func(f *certificates.ProxyForm) { f.Authority = "mine" },
		certificates.FieldEmail:          func(f *certificates.ProxyForm) { f.Email = "me\nroot: x" },
		certificates.FieldDirectory:      func(f *certificates.ProxyForm) { f.Directory = "http://ca.test" },
		certificates.FieldTrust:          func(f *certificates.ProxyForm) { f.Trust = "-----BEGIN PRIVATE KEY-----" },
		certificates.FieldChallenge:      func(f *certificates.ProxyForm) { f.Challenge = "dns" },
		certificates.FieldDNSProvider:    func(f *certificates.ProxyForm) { f.DNSProvider = "exec" },
		certificates.FieldDNSCredentials: func(f *certificates.ProxyForm) { f.DNSProvider, f.DNSCredentials = "cloudflare", "PATH=/x" },
		certificates.FieldTrustedProxies: func(f *certificates.ProxyForm) { f.TrustedProxies = "192.0.2.1 10.0.0.0/8" },
		certificates.FieldDashboard:      func(f *certificates.ProxyForm) { f.Dashboard = "world" },
		certificates.FieldDashboardHost:  func(f *certificates.ProxyForm) { f.Dashboard, f.DashboardHost = "host", "a.example.com" },
		certificates.FieldDashboardUser: func(f *certificates.ProxyForm) {
			f.Dashboard, f.DashboardHost, f.DashboardUser = "host", "p.example.com", "me:you"
		},
		certificates.FieldDashboardPass: func(f *certificates.ProxyForm) {
			f.Dashboard, f.DashboardHost, f.DashboardUser, f.DashboardPassword = "host", "p.example.com", "me", "short"
		},
	} {
		form := h.Settings().Form()
		if field == certificates.FieldDashboardHost {
			form.DashboardUser, form.DashboardPassword = "me", "long enough for it"
		}
		change(&form)
		_, _, err := h.UpdateSettings(t.Context(), form)
		var found []string
		if problems, ok := errors.AsType[problem.Problems](err); ok {
			for _, problem := range problems {
				found = append(found, problem.Field)
			}
		} else if problem, ok := errors.AsType[*problem.Problem](err); ok {
			found = append(found, problem.Field)
		}
		if !slices.Contains(found, field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if h.restarts != 0 {
		t.Errorf("%d restarts", h.restarts)
	}
}

func TestProxySettings_TrustedProxiesReachProxyTableAndGate(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com")
	expect := func(what string, ranges ...string) {
		t.Helper()
		var want []netip.Prefix
		for _, text := range ranges {
			want = append(want, netip.MustParsePrefix(text))
		}
		table, err := h.Secure(t.Context(), traefik.Table{})
		static, readErr := os.ReadFile(filepath.Join(h.folder, "traefik.yml"))
		if err != nil || readErr != nil || !slices.Equal(h.gate, want) || !slices.Equal(table.TrustedProxies, want) {
			t.Errorf("%s: the gate trusts %v, the table %v, %v, %v", what, h.gate, table.TrustedProxies, err, readErr)
		}
		for _, text := range ranges {
			if strings.Count(string(static), `- "`+text+`"`) != 2 {
				t.Errorf("%s: %s is not at both entry points", what, text)
			}
		}
	}
	expect("at the start", "198.51.100.1/32")
	form := h.Settings().Form()
	form.TrustedProxies = "2001:db8:7::1/48, 192.0.2.9\n192.0.2.9 198.51.100.1\n10.201.0.1"
	changed, restarted, err := h.UpdateSettings(t.Context(), form)
	if err != nil || !restarted || changed != "trusted_proxies" {
		t.Errorf("changed %q, restarted %t, %v", changed, restarted, err)
	}
	expect("with those of the page", "10.201.0.1/32", "192.0.2.9/32", "198.51.100.1/32", "2001:db8:7::/48")
	if got := h.Settings().Form().TrustedProxies; got != "10.201.0.1\n192.0.2.9\n198.51.100.1\n2001:db8:7::/48" {
		t.Errorf("the form shows %q", got)
	}
	for _, wrong := range []string{"0.0.0.0/0", "::/0", "10.201.0.0/27", "10.201.3.4", "10.201.0.1/16", "proxy.example.com", "::ffff:192.0.2.1", "192.0.2.0/33"} {
		form.TrustedProxies = wrong
		if _, _, err := h.UpdateSettings(t.Context(), form); err == nil {
			t.Errorf("%s is trusted", wrong)
		}
	}
	expect("after refusals", "10.201.0.1/32", "192.0.2.9/32", "198.51.100.1/32", "2001:db8:7::/48")
	form.TrustedProxies = ""
	if _, _, err := h.UpdateSettings(t.Context(), form); err != nil {
		t.Error(err)
	}
	expect("with those of the environment", "198.51.100.1/32")
}

func TestProxySettings_DNSCredentialsReachTheProxyAloneAndAreSealed(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "shop.base.example.com", "deep.shop.base.example.com")
	form := h.Settings().Form()
	form.DNSProvider, form.DNSCredentials = "cloudflare", "CF_DNS_API_TOKEN=a-hidden-token\n"
	changed, restarted, err := h.UpdateSettings(t.Context(), form)
	if err != nil || !restarted || strings.Contains(changed, "hidden") {
		t.Fatalf("%q %t %v", changed, restarted, err)
	}
	path := filepath.Join(h.folder, "dns", "CF_DNS_API_TOKEN")
	text, err := os.ReadFile(path)
	information, _ := os.Stat(path)
	if err != nil || string(text) != "a-hidden-token" || information.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v", text, err)
	}
	stored, err := h.ledger.FindSetting(t.Context(), "proxy")
	if err != nil || strings.Contains(stored, "hidden") {
		t.Errorf("the ledger holds %s, %v", stored, err)
	}
	if got := h.domain("shop.base.example.com"); got.Wildcard != "base.example.com" || !strings.HasSuffix(got.Resolver, "-dns") {
		t.Errorf("below the base: %+v", got)
	}
	if got := h.domain("deep.shop.base.example.com"); got.Wildcard != "" || !strings.HasSuffix(got.Resolver, "-http") {
		t.Errorf("two below the base: %+v", got)
	}
	form = h.Settings().Form()
	form.DNSProvider = ""
	if _, _, err := h.UpdateSettings(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("a credential that is not used is still there")
	}
}

func TestProxySettings_EveryVariableOfAProviderIsToldToTheProxy(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, provider := range certificates.DNSProviders {
		for _, name := range provider.Variables {
			if line := name + "_FILE: /proxy/dns/" + name + "\n"; !strings.Contains(string(compose), line) {
				t.Errorf("docker-compose.yml lacks %s", line)
			}
		}
	}
}

func TestDomain_EndsSoonWhenItShouldHaveBeenRenewed(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Now()
	for _, c := range []struct {
		life, left time.Duration
		own, want  bool
	}{
		{90 * day, 31 * day, false, false},
		{90 * day, 26 * day, false, true},
		{90 * day, 31 * day, true, false},
		{90 * day, 29 * day, true, true},
		{365 * day, 40 * day, true, false},
		{6 * day, 3 * day, false, false},
	} {
		seen := certificates.Seen{From: now.Add(c.left - c.life), Until: now.Add(c.left), Own: c.own}
		if got := seen.EndsSoon(now); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

func TestCertificates_AKeyThatWasChangedKeepsNoOtherHostFromBeingServed(t *testing.T) {
	t.Parallel()
	h := newHosts(t, other(), "a.example.com", "shop.base.example.com")
	form := h.Settings().Form()
	form.DNSProvider, form.DNSCredentials = "cloudflare", "CF_DNS_API_TOKEN=a-hidden-token\n"
	if _, _, err := h.UpdateSettings(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	chain, key := authority.SelfSigned(t, "a.example.com")
	if _, err := h.UseOwnCertificate(t.Context(), "a.example.com", chain, key); err != nil {
		t.Fatal(err)
	}
	h.openWith(other(), "another key of the tests")
	if err := h.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.domain("a.example.com"); got.Certificate != "" || got.Resolver != "" {
		t.Errorf("a.example.com: %+v", got)
	}
	if got := h.domain("shop.base.example.com"); !strings.HasSuffix(got.Resolver, "-http") {
		t.Errorf("shop.base.example.com: %+v", got)
	}
}
