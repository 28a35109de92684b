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

	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

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
	Admin    traefik.Host   // where the admin app answers in public; may be empty
	Near     Neighbours     // that nobody may trust; may be empty
	// TellGate names the trusted proxies to the gate; nil if there is none.
	TellGate func([]netip.Prefix) error
	Logger   *slog.Logger
	Served   ServedFunc // nil asks the proxy
	Issued   traefik.Issued
}

// Book says how each host is served: it decides the source of each certificate, and gives
// the proxy its static configuration. It is safe for concurrent use.
type Book struct {
	o       Options
	own     traefik.OwnCertificates
	changed bool // the static configuration, by Open

	mu       sync.Mutex
	settings ProxySettings
	acme     traefik.ACME
	files    map[traefik.Host]ownFile
	hosts    map[traefik.Host]bool // of the last table
	told     []traefik.Domain      // of the last table

	wake chan struct{} // one pending request to look at what the proxy serves
}

// ownFile is the file of a person's certificate.
type ownFile struct {
	chain []byte
	name  string
}

// Open reads the settings and writes the proxy's static configuration. If it reports a
// change, Run of Certificates restarts a running proxy.
func Open(ctx context.Context, o Options) (b *Book, changed bool, err error) {
	b = &Book{
		o: o, own: traefik.NewOwnCertificates(o.Folder, o.Static), settings: o.Defaults,
		files: make(map[traefik.Host]ownFile), hosts: make(map[traefik.Host]bool), wake: make(chan struct{}, 1),
	}
	if o.Served == nil {
		address := o.Static.WebsecureAddress()
		b.o.Served = func(ctx context.Context, host traefik.Host) (chainOf, error) {
			return traefik.Served(ctx, address, host)
		}
	}
	text, err := o.Ledger.FindSetting(ctx, proxySettingsKey)
	if err == nil {
		err = json.Unmarshal([]byte(text), &b.settings)
	}
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return nil, false, fmt.Errorf("read the proxy's settings: %w", err)
	}
	static, err := b.settings.static(o.Static, o.Key, o.Self)
	if errors.Is(err, secret.ErrSealBroken) { // the key was changed: everything else works
		o.Logger.Error("the credentials of the DNS provider cannot be opened; give them again", "error", err)
		b.settings.DNSProvider, b.settings.DNSSealed = "", nil
		static, err = b.settings.static(o.Static, o.Key, o.Self)
	}
	if err != nil {
		return nil, false, err
	}
	b.acme = static.ACME
	changed, err = traefik.WriteStatic(o.Folder, static)
	if err != nil {
		return nil, false, fmt.Errorf("prepare proxy: %w", err)
	}
	b.changed = changed
	if err := b.tellGate(); err != nil { // it then trusts nobody, or whom it trusted before
		o.Logger.Error("the gate was not told which proxies to trust", "error", err)
	}
	return b, changed, nil
}

// Settings returns the proxy's settings.
func (b *Book) Settings() ProxySettings {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings
}

// Secure adds to the table how the proxy serves each of its hosts.
func (b *Book) Secure(ctx context.Context, table traefik.Table) (traefik.Table, error) {
	domains, err := b.domains(ctx)
	if err != nil {
		return table, err
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	hosts := hostsOf(table)
	table.ForceHTTPS, table.HTTPSPort = b.forcesHTTPS(), b.o.Static.HTTPSPort
	table.TrustedProxies = b.trusted()
	if b.settings.Dashboard == DashboardHost {
		hosts[b.settings.DashboardHost] = true
	}
	if b.o.Admin != "" {
		hosts[b.o.Admin] = true
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		domain := domains[host]
		domain.Host = host
		table.Domains = append(table.Domains, b.secured(domain, now))
	}
	if b.hosts = hosts; !slices.Equal(b.told, table.Domains) {
		b.told = table.Domains
		b.requestLook()
	}
	return table, nil
}

// forcesHTTPS applies to every route. Either the environment or the page can turn it on.
// The caller holds mu.
func (b *Book) forcesHTTPS() bool { return b.settings.ForceHTTPS || b.o.Defaults.ForceHTTPS }

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
func (b *Book) secured(domain Domain, now time.Time) traefik.Domain {
	secured := traefik.Domain{Host: domain.Host, RedirectHTTPS: domain.Redirects(now), HSTS: domain.strictFor(now)}
	switch source := b.sourceOf(domain); source {
	case SourceOwn:
		file, err := b.ownFile(domain)
		if err != nil { // one bad host must not stop all other hosts
			b.o.Logger.Error("write own certificate", "host", string(domain.Host), "error", err)
		}
		secured.Certificate = file
	case SourceNone:
	default:
		// After a refusal Berth waits, and the proxy does not ask the authority. It still
		// serves and renews an existing certificate.
		if now.After(domain.Seen.Failure.Again) {
			secured.Resolver = b.acme.Resolver(traefik.Challenge(source))
		}
		if source == SourceDNS && secured.Resolver != "" {
			secured.Wildcard = b.sharedBy(domain.Host)
		}
	}
	return secured
}

// sourceOf returns the source of the host's certificate, with defaults applied; the
// caller holds mu.
func (b *Book) sourceOf(domain Domain) Source {
	switch {
	case domain.Source == SourceOwn && domain.Chain != nil:
		return SourceOwn
	case domain.Source == SourceNone, b.acme.Directory == "":
		return SourceNone
	case domain.Host.IsWildcard() && b.acme.DNSProvider == "":
		return SourceNone // no other challenge proves a wildcard
	case domain.Host.IsWildcard():
		return SourceDNS
	case domain.Source == SourceHTTP, domain.Source == SourceTLS:
		return domain.Source
	case b.acme.DNSProvider != "" && b.o.Base.Covers(domain.Host):
		return SourceDNS
	default:
		return Source(b.settings.Challenge)
	}
}

// sharedBy returns the domain whose certificate the host shares with its neighbours: the
// base domain. A wildcard has a certificate of its own, so it is empty.
func (b *Book) sharedBy(host traefik.Host) traefik.Host {
	if host.IsWildcard() {
		return ""
	}
	return b.o.Base
}

// Issues reports whether an authority can be asked for a certificate of the host.
func (b *Book) Issues(host traefik.Host) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acme.Directory != "" && (!host.IsWildcard() || b.acme.DNSProvider != "")
}

// ownFile writes the certificate of the host for the proxy, unless the file exists; the
// caller holds mu.
func (b *Book) ownFile(domain Domain) (string, error) {
	if known, ok := b.files[domain.Host]; ok && bytes.Equal(known.chain, domain.Chain) {
		return known.name, nil
	}
	key, err := b.o.Key.Open(domain.Sealed, keyPlace(domain.Host))
	if err != nil {
		return "", fmt.Errorf("open key of the certificate of %s: %w", domain.Host, err)
	}
	name, err := b.own.Write(domain.Host, append(bytes.Clone(domain.Chain), key...))
	if err != nil {
		return "", err
	}
	b.files[domain.Host] = ownFile{chain: domain.Chain, name: name}
	return name, nil
}

func (b *Book) domains(ctx context.Context) (map[traefik.Host]Domain, error) {
	list, err := b.o.Ledger.ListDomains(ctx)
	if err != nil {
		return nil, err
	}
	domains := make(map[traefik.Host]Domain, len(list))
	for _, domain := range list {
		domains[domain.Host] = domain
	}
	return domains, nil
}

// requestLook asks for one look soon; several requests cause one look.
func (b *Book) requestLook() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Reserves reports whether the host is that of the proxy's own pages, or covers it, so that
// no app can have it.
func (b *Book) Reserves(host traefik.Host) bool {
	settings := b.Settings()
	return settings.Dashboard == DashboardHost && host.Matches(settings.DashboardHost)
}
