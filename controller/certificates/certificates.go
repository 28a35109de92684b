// Package certificates decides which certificate each host shows, and keeps it valid.
package certificates

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"berth/controller/certificate"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// ProxyEngine is the part of the container engine that certificates need.
type ProxyEngine interface {
	RestartProxy(ctx context.Context) (restarted bool, err error)
	ReadProxyLog(ctx context.Context, since time.Time, each func(docker.Line) error) error
}

// askPause is longer than the proxy's wait for one more change.
const askPause = 300 * time.Millisecond

// Options are the parts of Certificates. Every field is required unless it says
// otherwise.
type Options struct {
	Ledger   DomainLedger
	Engine   ProxyEngine
	Ready    func(context.Context) error // waits until the proxy answers
	Folder   string                      // the proxy reads its configuration from here
	Static   traefik.StaticOptions       // the part that no person decides
	Self     netip.Addr                  // Berth's address as the proxy sees it
	Key      secret.Key
	Defaults ProxySettings
	Base     traefik.Host   // below it, hosts can share one certificate; may be empty
	Reserved []traefik.Host // hosts that the dashboard cannot have; may be empty
	Logger   *slog.Logger
	Served   ServedFunc // nil asks the proxy
	Issued   traefik.Issued
}

// Certificates decides the source of each host's certificate, tells the proxy, and checks
// the certificates that the proxy serves. It is safe for concurrent use.
type Certificates struct {
	o   Options
	own traefik.OwnCertificates

	settling sync.Mutex // held during a change of the static settings and its restart
	mu       sync.Mutex
	settings ProxySettings
	acme     traefik.ACME
	files    map[traefik.Host]ownFile
	hosts    map[traefik.Host]bool // of the last table
	told     []traefik.Domain      // of the last table
	publish  func(context.Context) error
	order    func(context.Context, traefik.Host) error

	wake  chan struct{}
	watch watching
}

// ownFile is the file of a person's certificate.
type ownFile struct {
	chain []byte
	name  string
}

// Open reads the settings and writes the proxy's static configuration. If it reports a
// change, Run restarts a running proxy.
func Open(ctx context.Context, o Options) (c *Certificates, changed bool, err error) {
	c = &Certificates{
		o: o, own: traefik.NewOwnCertificates(o.Folder, o.Static), settings: o.Defaults,
		files: make(map[traefik.Host]ownFile), hosts: make(map[traefik.Host]bool),
		wake: make(chan struct{}, 1), publish: func(context.Context) error { return nil },
		order: func(context.Context, traefik.Host) error { return nil },
	}
	if o.Served == nil {
		address := o.Static.WebsecureAddress()
		c.o.Served = func(ctx context.Context, host traefik.Host) (chainOf, error) {
			return traefik.Served(ctx, address, host)
		}
	}
	text, err := o.Ledger.FindSetting(ctx, proxySettingsKey)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c.settings)
	}
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return nil, false, fmt.Errorf("read the proxy's settings: %w", err)
	}
	static, err := c.settings.static(o.Static, o.Key, o.Self)
	if errors.Is(err, secret.ErrSealBroken) { // the key was changed: everything else works
		o.Logger.Error("the credentials of the DNS provider cannot be opened; give them again", "error", err)
		c.settings.DNSProvider, c.settings.DNSSealed = "", nil
		static, err = c.settings.static(o.Static, o.Key, o.Self)
	}
	if err != nil {
		return nil, false, err
	}
	c.acme = static.ACME
	changed, err = traefik.WriteStatic(o.Folder, static)
	if err != nil {
		return nil, false, fmt.Errorf("prepare proxy: %w", err)
	}
	c.watch.restart = changed
	return c, changed, nil
}

// PublishWith sets publish, which publishes the route table after a change here, and
// order, which counts the certificates from an authority.
func (c *Certificates) PublishWith(publish func(context.Context) error, order func(context.Context, traefik.Host) error) {
	c.publish, c.order = publish, order
}

// Settings returns the proxy's settings.
func (c *Certificates) Settings() ProxySettings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settings
}

// Secure adds to the table how the proxy serves each of its hosts.
func (c *Certificates) Secure(ctx context.Context, table traefik.Table) (traefik.Table, error) {
	domains, err := c.domains(ctx)
	if err != nil {
		return table, err
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	hosts := hostsOf(table)
	table.ForceHTTPS, table.HTTPSPort = c.forcesHTTPS(), c.o.Static.HTTPSPort
	if c.settings.Dashboard == DashboardHost {
		hosts[c.settings.DashboardHost] = true
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		domain := domains[host]
		domain.Host = host
		table.Domains = append(table.Domains, c.secured(domain, now))
	}
	if c.hosts = hosts; !slices.Equal(c.told, table.Domains) {
		c.told = table.Domains
		c.requestLook()
	}
	return table, nil
}

// forcesHTTPS applies to every route. Either the environment or the page can turn it on.
// The caller holds mu.
func (c *Certificates) forcesHTTPS() bool { return c.settings.ForceHTTPS || c.o.Defaults.ForceHTTPS }

// hostsOf returns the hosts of the routes and redirects that the public can reach.
func hostsOf(table traefik.Table) map[traefik.Host]bool {
	hosts := make(map[traefik.Host]bool)
	for _, target := range table.Targets {
		for _, route := range target.Routes {
			if route.Host != "" && !target.Proving {
				hosts[route.Host] = true
			}
		}
	}
	for _, redirect := range table.Redirects {
		hosts[redirect.From] = true
	}
	return hosts
}

// secured returns the domain in the proxy's form; the caller holds mu.
func (c *Certificates) secured(domain Domain, now time.Time) traefik.Domain {
	secured := traefik.Domain{Host: domain.Host, RedirectHTTPS: domain.Redirects(now), HSTS: domain.strictFor(now)}
	switch source := c.sourceOf(domain); source {
	case SourceOwn:
		file, err := c.ownFile(domain)
		if err != nil { // one bad host must not stop all other hosts
			c.o.Logger.Error("write own certificate", "host", string(domain.Host), "error", err)
		}
		secured.Certificate = file
	case SourceNone:
	default:
		// After a refusal Berth waits, and the proxy does not ask the authority. It still
		// serves and renews an existing certificate.
		if now.After(domain.Seen.Failure.Again) {
			secured.Resolver = c.acme.Resolver(traefik.Challenge(source))
		}
		if source == SourceDNS && secured.Resolver != "" {
			secured.Wildcard = c.o.Base
		}
	}
	return secured
}

// sourceOf returns the source of the host's certificate, with defaults applied; the
// caller holds mu.
func (c *Certificates) sourceOf(domain Domain) Source {
	switch {
	case domain.Source == SourceOwn && domain.Chain != nil:
		return SourceOwn
	case domain.Source == SourceNone, c.acme.Directory == "":
		return SourceNone
	case domain.Source == SourceHTTP, domain.Source == SourceTLS:
		return domain.Source
	case c.acme.DNSProvider != "" && c.o.Base.Covers(domain.Host):
		return SourceDNS
	default:
		return Source(c.settings.Challenge)
	}
}

// ownFile writes the certificate of the host for the proxy, unless the file exists; the
// caller holds mu.
func (c *Certificates) ownFile(domain Domain) (string, error) {
	if known, ok := c.files[domain.Host]; ok && bytes.Equal(known.chain, domain.Chain) {
		return known.name, nil
	}
	key, err := c.o.Key.Open(domain.Sealed, keyPlace(domain.Host))
	if err != nil {
		return "", fmt.Errorf("open key of the certificate of %s: %w", domain.Host, err)
	}
	name, err := c.own.Write(domain.Host, append(bytes.Clone(domain.Chain), key...))
	if err != nil {
		return "", err
	}
	c.files[domain.Host] = ownFile{chain: domain.Chain, name: name}
	return name, nil
}

func (c *Certificates) domains(ctx context.Context) (map[traefik.Host]Domain, error) {
	list, err := c.o.Ledger.ListDomains(ctx)
	if err != nil {
		return nil, err
	}
	domains := make(map[traefik.Host]Domain, len(list))
	for _, domain := range list {
		domains[domain.Host] = domain
	}
	return domains, nil
}

// DomainChange is a person's decision about a host.
type DomainChange struct {
	Source   Source
	Redirect Switch
	HSTS     time.Duration
}

// HSTSChoices are the times for which browsers can be told to insist on HTTPS.
var HSTSChoices = []time.Duration{0, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour, 2 * 365 * 24 * time.Hour}

// UpdateDomain changes how the proxy serves the host, and publishes it.
func (c *Certificates) UpdateDomain(ctx context.Context, host traefik.Host, change DomainChange) error {
	if err := c.checkChange(change); err != nil {
		return err
	}
	domain, err := c.find(ctx, host)
	if err != nil {
		return err
	}
	if change.Source == SourceOwn && domain.Chain == nil {
		return refuseField("source", "There is no own certificate of "+string(host)+" yet.", "Upload it first; it is used at once then.")
	}
	domain.Source, domain.Redirect, domain.HSTS = change.Source, change.Redirect, change.HSTS
	return c.keep(ctx, domain)
}

func (c *Certificates) checkChange(change DomainChange) error {
	switch change.Source {
	case SourceDefault, SourceHTTP, SourceTLS, SourceOwn, SourceNone:
	default:
		return refuseField("source", "There is no such source of certificates.", "Choose one of the list.")
	}
	switch change.Redirect {
	case SwitchAuto, SwitchOn, SwitchOff:
	default:
		return refuseField("redirect", "There is no such choice.", "Choose one of the list.")
	}
	for _, choice := range HSTSChoices {
		if change.HSTS == choice {
			return nil
		}
	}
	return refuseField("hsts", "There is no such time.", "Choose one of the list.")
}

// UseOwnCertificate stores a certificate and its key for the host, and publishes it.
func (c *Certificates) UseOwnCertificate(ctx context.Context, host traefik.Host, chain, key []byte) (certificate.Pair, error) {
	pair, err := certificate.Parse(chain, key, certificate.Options{Host: string(host), Now: time.Now()})
	if err != nil {
		return pair, err
	}
	domain, err := c.find(ctx, host)
	if err != nil {
		return pair, err
	}
	domain.Source, domain.Chain, domain.Sealed = SourceOwn, pair.Chain, c.o.Key.Seal(pair.Key, keyPlace(host))
	if err := c.keep(ctx, domain); err != nil {
		return pair, err
	}
	return pair, c.forgetIssued(ctx, host)
}

// forgetIssued removes the host's certificate from an authority from the proxy's file,
// which needs a restart. The proxy may write that file once more before the restart.
func (c *Certificates) forgetIssued(ctx context.Context, host traefik.Host) error {
	c.settling.Lock()
	defer c.settling.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTimeout)
	defer cancel()
	const attempts = 3
	for range attempts {
		there, err := c.o.Issued.Has(host)
		if err != nil || !there {
			return err
		}
		if err := c.o.Issued.Forget(host); err != nil {
			return err
		}
		if _, err := c.restart(ctx); err != nil {
			return fmt.Errorf("restart proxy without the issued certificate of %s: %w", host, err)
		}
		c.requestLook()
	}
	return nil
}

// DropOwnCertificate removes the person's certificate and goes back to the authority.
func (c *Certificates) DropOwnCertificate(ctx context.Context, host traefik.Host) error {
	domain, err := c.find(ctx, host)
	if err != nil {
		return err
	}
	if domain.Chain == nil {
		return problem.Conflict(fmt.Sprintf("%s has no certificate of its own.", host), "Open the page again to see what it has.")
	}
	domain.Source, domain.Chain, domain.Sealed = SourceDefault, nil, nil
	return c.keep(ctx, domain)
}

// AskAgain forgets the last refusal, so that the proxy asks the authority at once.
func (c *Certificates) AskAgain(ctx context.Context, host traefik.Host) error {
	domain, err := c.find(ctx, host)
	if err != nil {
		return err
	}
	// This needs two publications: the proxy asks when a router starts to name the
	// resolver.
	domain.Seen.Failure.Again = time.Now().Add(time.Minute)
	if err := c.o.Ledger.UpdateSeen(ctx, host, domain.Seen); err != nil {
		return err
	}
	if err := c.publish(ctx); err != nil {
		return err
	}
	if err := pause.For(ctx, askPause); err != nil { // otherwise the proxy sees no change
		return err
	}
	domain.Seen.Failure = Failure{}
	if err := c.o.Ledger.UpdateSeen(ctx, host, domain.Seen); err != nil {
		return err
	}
	return c.publish(ctx)
}

// find returns the domain of a host that Berth serves.
func (c *Certificates) find(ctx context.Context, host traefik.Host) (Domain, error) {
	views, err := c.Domains(ctx)
	if err != nil {
		return Domain{}, err
	}
	for _, view := range views {
		if view.Host == host {
			return view.Domain, nil
		}
	}
	return Domain{}, problem.NotFound(fmt.Sprintf("No app has the host %.80s.", host), "Give an app a route with the host first.")
}

func (c *Certificates) keep(ctx context.Context, domain Domain) error {
	if err := c.o.Ledger.UpdateDomain(ctx, domain); err != nil {
		return err
	}
	if err := c.publish(ctx); err != nil {
		return fmt.Errorf("publish %s: %w", domain.Host, err)
	}
	return nil
}
