//go:build integration

package traefik

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller/gate"
	"berth/test/authority"
	"berth/test/patience"
)

// providerVariables are the proxy's environment as the stack has it.
var providerVariables = []string{
	"HTTPREQ_ENDPOINT_FILE=/proxy/dns/HTTPREQ_ENDPOINT",
	"HTTPREQ_USERNAME_FILE=/proxy/dns/HTTPREQ_USERNAME",
	"HTTPREQ_PASSWORD_FILE=/proxy/dns/HTTPREQ_PASSWORD",
}

func startProxyAndAuthority(t *testing.T, holds time.Duration) (*proxy, *authority.Authority) {
	t.Helper()
	var ca *authority.Authority
	p := startProxyWith(t, func(p *proxy) {
		ca = authority.Start(t, authority.Options{
			Address: testGateway, Target: testAddress, HTTP: WebPort, TLS: WebsecurePort, Holds: holds,
		})
		p.options.ACME = ACME{
			Directory: ca.Directory, Email: "me@example.com", Trust: ca.Trust,
			DNSProvider: "httpreq", DNSServers: []string{ca.DNS}, SkipDNSChecks: true,
			DNSSecrets: map[string]string{"HTTPREQ_ENDPOINT": ca.DNSAPI, "HTTPREQ_USERNAME": "dns-user", "HTTPREQ_PASSWORD": "dns-password"},
		}
		if holds > 0 && holds < time.Hour {
			p.options.ACME.Hours = 1
		}
	}, append(slices.Clone(providerVariables), "HTTPS_PROXY=http://"+startErrands(t))...)
	return p, ca
}

// startErrands is the way out that the stack gives the proxy. It listens where the
// networks are not made yet, so on every address.
func startErrands(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	way := gate.Errands{Listener: countedListener{listener}, Proxy: netip.MustParseAddr(testAddress), Logger: slog.New(slog.DiscardHandler)}
	go func() { _ = way.Run(ctx) }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return net.JoinHostPort(testGateway, port)
}

// errandsRun counts what the proxies of all tests asked for.
var errandsRun atomic.Int64

type countedListener struct{ net.Listener }

func (l countedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil {
		errandsRun.Add(1)
	}
	return connection, err
}

func TestACME_TheProxyAsksForNamesWhereNoAppAnswers(t *testing.T) {
	before := errandsRun.Load()
	p, ca := startProxyAndAuthority(t, time.Hour)
	p.publishTable(Table{
		Targets: []Target{target(t, "app", backend(t, "app"), "errand.example.com")},
		Domains: []Domain{{Host: "errand.example.com", Resolver: p.options.ACME.Resolver(ChallengeHTTP)}},
	})
	verify(t, ca, "errand.example.com", awaitServed(t, p, ca, "errand.example.com", anyChain, time.Minute))
	if errandsRun.Load() == before {
		t.Error("the proxy reached the authority by itself")
	}
}

func (p *proxy) publishTable(table Table) {
	p.t.Helper()
	configuration, err := Generate(table)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := NewPublisher(p.folder).Publish(configuration); err != nil {
		p.t.Fatal(err)
	}
	giveToProxy(p.t, p.folder)
	for _, confirm := range []func(context.Context, Table) error{p.client.ConfirmAll, p.client.Confirm} {
		if err := confirm(p.t.Context(), table); err != nil {
			p.t.Fatalf("%v\n%s", err, p.log())
		}
	}
}

// served is the chain that the proxy shows for host; nil while it is the fallback's.
func served(t *testing.T, host string) []*x509.Certificate {
	t.Helper()
	connection, err := (&tls.Dialer{
		NetDialer: &net.Dialer{Timeout: patience.Of(5 * time.Second)},
		Config:    &tls.Config{ServerName: host, InsecureSkipVerify: true},
	}).DialContext(t.Context(), "tcp", net.JoinHostPort(testAddress, "8443"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	chain := connection.(*tls.Conn).ConnectionState().PeerCertificates
	if strings.HasPrefix(chain[0].Subject.CommonName, "Berth has no certificate") {
		return nil
	}
	return chain
}

func awaitServed(t *testing.T, p *proxy, ca *authority.Authority, host string, good func([]*x509.Certificate) bool, within time.Duration) []*x509.Certificate {
	t.Helper()
	for end := time.Now().Add(patience.Of(within)); ; time.Sleep(200 * time.Millisecond) {
		if chain := served(t, host); chain != nil && good(chain) {
			return chain
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not served as wanted\n%s\n%s", host, p.log(), ca.Log())
		}
	}
}

func anyChain([]*x509.Certificate) bool { return true }

func verify(t *testing.T, ca *authority.Authority, host string, chain []*x509.Certificate) {
	t.Helper()
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: ca.Roots(t), Intermediates: between}); err != nil {
		t.Errorf("%s: %v", host, err)
	}
}

func TestACME_GivesCertificatesByEveryChallenge(t *testing.T) {
	p, ca := startProxyAndAuthority(t, 0)
	app := target(t, "app", backend(t, "app"), "plain.example.com", "hands.example.com", "wild.base.example", "any.base.example", "none.example.com")
	acme := p.options.ACME
	table := Table{Targets: []Target{app}, ForceHTTPS: true, HTTPSPort: 8443, Domains: []Domain{
		{Host: "plain.example.com", Resolver: acme.Resolver(ChallengeHTTP)},
		{Host: "hands.example.com", Resolver: acme.Resolver(ChallengeTLS)},
		{Host: "wild.base.example", Resolver: acme.Resolver(ChallengeDNS), Wildcard: "base.example", HSTS: time.Hour},
		{Host: "any.base.example", Resolver: acme.Resolver(ChallengeDNS), Wildcard: "base.example"},
	}}
	p.publishTable(table)
	for _, host := range []string{"plain.example.com", "hands.example.com", "wild.base.example", "any.base.example"} {
		verify(t, ca, host, awaitServed(t, p, ca, host, anyChain, 30*time.Second))
	}
	wild := served(t, "wild.base.example")[0]
	if got := strings.Join(wild.DNSNames, " "); got != "*.base.example base.example" && got != "base.example *.base.example" {
		t.Errorf("the wildcard's names are %s", got)
	}
	if !wild.Equal(served(t, "any.base.example")[0]) {
		t.Error("two hosts of the base have two certificates")
	}
	if served(t, "none.example.com") != nil {
		t.Error("a host that has no resolver got a certificate")
	}
	for _, host := range []string{"plain.example.com", "none.example.com"} {
		got := get(t, WebPort, host, "/a?b=c")
		if want := "https://" + host + ":8443/a?b=c"; got.status != http.StatusMovedPermanently || got.header.Get("Location") != want {
			t.Errorf("%s is sent to %q (%d), want %q", host, got.header.Get("Location"), got.status, want)
		}
	}
	if got, _ := getTLS(t, "wild.base.example", "/"); got.header.Get("Strict-Transport-Security") != "max-age=3600" {
		t.Errorf("header %v", got.header)
	}
	if got, _ := getTLS(t, "plain.example.com", "/"); got.status != http.StatusOK || got.header.Get("Strict-Transport-Security") != "" {
		t.Errorf("plain: %+v", got)
	}
	information, err := os.Stat(filepath.Join(p.acme, "acme.json"))
	if err != nil || information.Mode().Perm() != 0o600 {
		t.Errorf("acme.json: %v, %v", information, err)
	}
	for _, secret := range []string{"dns-password", "dns-user"} {
		if strings.Contains(p.log(), secret) || strings.Contains(docker(t, "inspect", p.name), secret) {
			t.Errorf("%s is to be seen", secret)
		}
	}
	p.complainsOf(nil)
}

// complainsOf fails for each warning or error of the log that holds none of the words.
func (p *proxy) complainsOf(words []string) {
	p.t.Helper()
lines:
	for line := range strings.Lines(p.log()) {
		if !strings.Contains(line, `"level":"error"`) && !strings.Contains(line, `"level":"warn"`) ||
			strings.Contains(line, "Traefik can reject some encoded characters") ||
			strings.Contains(line, "acme-http@internal") && strings.Contains(line, requestsPrefix) {
			continue // the last until it has read its files, when it makes that router anew
		}
		for _, word := range words {
			if strings.Contains(line, word) {
				continue lines
			}
		}
		p.t.Errorf("complaint: %s", line)
	}
}

func TestACME_RenewsWhatIsShortLivedAndKeepsItOverARestart(t *testing.T) {
	p, ca := startProxyAndAuthority(t, 15*time.Minute)
	app := target(t, "app", backend(t, "app"), "short.example.com")
	table := Table{Targets: []Target{app}, Domains: []Domain{{Host: "short.example.com", Resolver: p.options.ACME.Resolver(ChallengeHTTP)}}}
	p.publishTable(table)
	first := awaitServed(t, p, ca, "short.example.com", anyChain, 30*time.Second)
	renewed := awaitServed(t, p, ca, "short.example.com", func(chain []*x509.Certificate) bool { return !chain[0].Equal(first[0]) }, 100*time.Second)
	verify(t, ca, "short.example.com", renewed)
	docker(t, "restart", "--time", "3", p.name)
	if err := p.client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitServed(t, p, ca, "short.example.com", anyChain, 10*time.Second)
}

func TestACME_AnOwnCertificateIsReplacedUnderLoadWithoutAFailedHandshake(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "own.example.com")
	own := NewOwnCertificates(p.folder, p.options)
	publish := func(pair []byte) {
		file, err := own.Write("own.example.com", pair)
		if err != nil {
			t.Fatal(err)
		}
		giveToProxy(t, p.folder)
		p.publishTable(Table{Targets: []Target{app}, Domains: []Domain{{Host: "own.example.com", Certificate: file, Resolver: "unused"}}})
	}
	pairs := [][]byte{selfSigned(t, "own.example.com"), selfSigned(t, "own.example.com")}
	publish(pairs[0])
	stop, done := make(chan struct{}), make(chan [2]int)
	for range 4 {
		go func() {
			var good, bad int
			for {
				select {
				case <-stop:
					done <- [2]int{good, bad}
					return
				default:
				}
				connection, err := tls.Dial("tcp", testAddress+":8443", &tls.Config{ServerName: "own.example.com", InsecureSkipVerify: true})
				if err == nil && connection.ConnectionState().PeerCertificates[0].VerifyHostname("own.example.com") == nil {
					good++
				} else {
					bad++
				}
				if err == nil {
					_ = connection.Close()
				}
			}
		}()
	}
	for round := range 6 {
		publish(pairs[round%2])
		want := leafOf(t, pairs[round%2])
		for end := time.Now().Add(patience.Of(5 * time.Second)); !leafIs(served(t, "own.example.com"), want); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: the new certificate is not served\n%s", round, p.log())
			}
		}
	}
	close(stop)
	var good, bad int
	for range 4 {
		counts := <-done
		good, bad = good+counts[0], bad+counts[1]
	}
	t.Logf("%d handshakes", good)
	if bad > 0 || good < 30 {
		t.Errorf("%d handshakes failed, %d did not", bad, good)
	}
	p.publishTable(Table{Targets: []Target{app}})
	if err := own.Sweep(nil); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience.Of(5 * time.Second)); served(t, "own.example.com") != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a certificate that was removed is still served")
		}
	}
	p.complainsOf(nil)
}

func leafOf(t *testing.T, pair []byte) *x509.Certificate {
	t.Helper()
	loaded, err := tls.X509KeyPair(pair, pair)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Leaf
}

func leafIs(chain []*x509.Certificate, leaf *x509.Certificate) bool {
	return len(chain) > 0 && bytes.Equal(chain[0].Raw, leaf.Raw)
}

func TestACME_SaysInWordsWhyACertificateWasRefused(t *testing.T) {
	p, ca := startProxyAndAuthority(t, 0)
	ca.Break(t, "lost.example.com")
	ca.Point(t, "elsewhere.example.com", testGateway) // where nothing listens on these ports
	refused := map[Host]string{
		"lost.example.com":      "The certificate authority finds no address for this host.",
		"elsewhere.example.com": "The certificate authority could not reach this server.",
		"blocked.example":       "The certificate authority gives no certificate for this name.",
	}
	app := target(t, "app", backend(t, "app"))
	table := Table{}
	for host := range refused {
		app.Routes = append(app.Routes, Route{Host: host, Path: "/"})
		table.Domains = append(table.Domains, Domain{Host: host, Resolver: p.options.ACME.Resolver(ChallengeHTTP)})
	}
	table.Targets = []Target{app}
	p.publishTable(table)
	said := make(map[Host]Failure)
	for end := time.Now().Add(patience.Of(30 * time.Second)); len(said) < len(refused) && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		for line := range strings.Lines(p.log()) {
			if failure, found := ParseFailure(strings.TrimSpace(line)); found {
				said[failure.Hosts[0]] = failure
			}
		}
	}
	for host, want := range refused {
		got := said[host]
		if got.Message != want || got.Hint == "" || got.At.IsZero() {
			t.Errorf("%s: %+v", host, got)
		}
		if served(t, string(host)) != nil {
			t.Errorf("%s has a certificate", host)
		}
		t.Logf("%s: %s", host, got.Text)
	}
}

func TestProxy_SpeaksModernTLSAloneAndNamesNoAppByDefault(t *testing.T) {
	p := startProxyWith(t, func(p *proxy) { p.options.HTTP3 = true })
	app := target(t, "app", backend(t, "app"), "private.example.com")
	p.publish(app)
	p.confirmAll(app)
	dial := func(change func(*tls.Config)) (*tls.Conn, error) {
		config := &tls.Config{ServerName: "private.example.com", InsecureSkipVerify: true}
		change(config)
		return tls.Dial("tcp", testAddress+":8443", config)
	}
	for what, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"CBC": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		},
	} {
		if connection, err := dial(change); err == nil {
			_ = connection.Close()
			t.Errorf("it speaks %s", what)
		}
	}
	connection, err := dial(func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	state := connection.ConnectionState()
	if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" {
		t.Errorf("version %x, protocol %s", state.Version, state.NegotiatedProtocol)
	}
	if leaf := state.PeerCertificates[0]; !IsFallback(leaf) || len(leaf.DNSNames) != 1 || strings.Contains(leaf.Subject.String(), "private") {
		t.Errorf("the default certificate is for %v", leaf.DNSNames)
	}
	if got, _ := getTLS(t, "private.example.com", "/"); !strings.Contains(got.header.Get("Alt-Svc"), `h3=":443"`) {
		t.Errorf("HTTP/3 is not offered: %v", got.header)
	}
	p.complainsOf(nil)
}

func TestProxy_ItsDashboardIsClosedOrBehindAPassword(t *testing.T) {
	for name, dashboard := range map[string]Dashboard{
		"off":  {Off: true},
		"host": {Host: "proxy.example.com", Users: []User{testUser(t, "me")}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxyWith(t, func(p *proxy) {
				p.options.Dashboard = dashboard
				p.options.Dashboard.Controller = netip.MustParseAddr(testGateway)
			})
			p.confirmAll() // Berth itself still asks
			for _, host := range []string{"localhost", "127.0.0.1", testAddress, "proxy.example.com"} {
				if got := get(t, DashboardPort, host, "/dashboard/"); got.status != http.StatusNotFound {
					t.Errorf("as %s: %d", host, got.status)
				}
			}
			got, _ := getTLS(t, "proxy.example.com", "/dashboard/")
			if want := map[string]int{"off": http.StatusNotFound, "host": http.StatusUnauthorized}[name]; got.status != want {
				t.Errorf("over https: %d, want %d", got.status, want)
			}
			p.complainsOf(nil)
		})
	}
}
