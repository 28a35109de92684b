package certificates

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/docker"
	"berth/controller/pause"
	"berth/traefik"
)

const (
	lookEvery    = 5 * time.Minute        // for hosts in their final state
	lookSettle   = 300 * time.Millisecond // publications come in bursts, and the proxy needs a moment
	lookSoonest  = time.Second            // for hosts that wait for a certificate, then less and less often
	lookLatest   = time.Minute
	lookParallel = 16
	lookTimeout  = time.Minute

	firstAgain = 5 * time.Minute // the wait after a refusal; each further refusal doubles it
	lastAgain  = 24 * time.Hour
	patience   = time.Hour // the least wait if the authority counts requests

	mostNames = 20 // the most stored names of one certificate
)

type chainOf = []*x509.Certificate

// ServedFunc returns the chain that the proxy shows for a host.
type ServedFunc func(ctx context.Context, host traefik.Host) (chainOf, error)

// watching is the state of the loop; only the loop uses it.
type watching struct {
	restart bool // the proxy runs with older static settings
	read    time.Time
	pause   time.Duration
}

// Run checks the certificates that the proxy serves until ctx ends: after each change of
// the routes, often while a host waits for its certificate, and every five minutes.
func (c *Certificates) Run(ctx context.Context) error {
	if c.watch.restart {
		if _, err := c.o.Engine.RestartProxy(ctx); err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("restart proxy for its new static configuration", "error", err)
		}
	}
	c.watch.read, c.watch.pause = time.Now(), lookSoonest
	timer := time.NewTimer(lookSoonest)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
			c.watch.pause = lookSoonest
			if err := pause.For(ctx, lookSettle); err != nil {
				return nil
			}
		case <-timer.C:
		}
		timer.Reset(c.round(ctx))
	}
}

// round looks at everything once, and returns the wait before the next round.
func (c *Certificates) round(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	waiting, err := c.look(ctx)
	if err != nil && ctx.Err() == nil {
		c.o.Logger.Warn("look at the certificates that the proxy serves", "error", err)
	}
	if !waiting {
		c.watch.pause = lookSoonest
		return lookEvery
	}
	next := c.watch.pause
	c.watch.pause = min(c.watch.pause*2, lookLatest)
	return next
}

// look asks the proxy for its certificates, reads its log if one is missing, and stores
// the changes. It reports whether a host still waits.
func (c *Certificates) look(ctx context.Context) (waiting bool, err error) {
	domains, err := c.domains(ctx)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	hosts := make([]Domain, 0, len(c.hosts))
	sources := make(map[traefik.Host]Source, len(c.hosts))
	for host := range c.hosts {
		domain := domains[host]
		domain.Host = host
		hosts = append(hosts, domain)
		sources[host] = c.sourceOf(domain)
	}
	dryRun := c.settings.Authority == AuthorityLetsEncrypt && c.settings.DryRun
	other := c.settings.Authority == AuthorityOther
	c.mu.Unlock()

	seen, err := c.askAll(ctx, hosts)
	now := time.Now()
	for i := range seen {
		judge(&seen[i], sources[hosts[i].Host], dryRun, other)
		asked := sources[hosts[i].Host] != SourceNone && now.After(hosts[i].Seen.Failure.Again)
		waiting = waiting || asked && (seen[i].Fallback || seen[i].EndsSoon(now))
	}
	var failures []traefik.Failure
	if waiting {
		failures = c.readFailures(ctx)
	}
	return waiting, errors.Join(err, c.keepSeen(ctx, hosts, seen, failures, sources))
}

// askAll returns the state of each domain. If the proxy does not answer, that is the last
// known state.
func (c *Certificates) askAll(ctx context.Context, domains []Domain) ([]Seen, error) {
	seen := make([]Seen, len(domains))
	var (
		mu      sync.Mutex
		unasked error
	)
	group := new(errgroup.Group)
	group.SetLimit(lookParallel)
	for i, domain := range domains {
		group.Go(func() error {
			chain, err := c.o.Served(ctx, domain.Host.Sample())
			if err != nil || len(chain) == 0 {
				mu.Lock()
				defer mu.Unlock()
				seen[i], unasked = domain.Seen, err
				return nil
			}
			seen[i] = seenOf(domain, chain)
			return nil
		})
	}
	_ = group.Wait() // each returns nil
	return seen, unasked
}

// seenOf reads the chain. The time of the look changes only together with other fields,
// so that nothing is written while nothing changes.
func seenOf(domain Domain, chain chainOf) Seen {
	leaf := chain[0]
	seen := Seen{At: domain.Seen.At, Failure: domain.Seen.Failure}
	if traefik.IsFallback(leaf) || leaf.VerifyHostname(string(domain.Host.Sample())) != nil {
		seen.Fallback = true
		return seen
	}
	seen.Issuer, seen.From, seen.Until = issuerOf(leaf), leaf.NotBefore.UTC(), leaf.NotAfter.UTC()
	seen.Names = leaf.DNSNames[:min(len(leaf.DNSNames), mostNames)]
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: string(domain.Host.Sample()), Intermediates: between})
	seen.Trusted = err == nil
	return seen
}

func issuerOf(leaf *x509.Certificate) string {
	name := leaf.Issuer.CommonName
	if len(leaf.Issuer.Organization) > 0 {
		name = leaf.Issuer.Organization[0] + " " + name
	}
	runes := []rune(name)
	return string(runes[:min(len(runes), 120)])
}

// judge fills in the fields that depend on the settings.
func judge(seen *Seen, source Source, dryRun, other bool) {
	if seen.Fallback {
		return
	}
	seen.Own = source == SourceOwn
	issued := source != SourceOwn && source != SourceNone
	seen.DryRun = issued && dryRun && !seen.Trusted
	// An operator who chose another authority has browsers that trust it.
	seen.Trusted = seen.Trusted || issued && other
}

// readFailures reads the proxy's messages about certificates since the last time.
func (c *Certificates) readFailures(ctx context.Context) []traefik.Failure {
	since, now := c.watch.read, time.Now()
	var failures []traefik.Failure
	err := c.o.Engine.ReadProxyLog(ctx, since, func(line docker.Line) error {
		if failure, found := traefik.ParseFailure(line.Text); found {
			if failure.At.IsZero() {
				failure.At = line.At
			}
			failures = append(failures, failure)
		}
		return nil
	})
	if err != nil {
		c.o.Logger.Warn("read the proxy's log", "error", err)
		return failures
	}
	c.watch.read = now.Add(-time.Second) // lines may come late; a line that is read twice counts once
	return failures
}

// keepSeen stores the changes, and publishes if they change how hosts are served.
func (c *Certificates) keepSeen(
	ctx context.Context, domains []Domain, seen []Seen, failures []traefik.Failure, sources map[traefik.Host]Source,
) error {
	now := time.Now()
	var errs []error
	publish := false
	for i, domain := range domains {
		fresh := seen[i]
		fresh.Failure = c.failureOf(domain, fresh, failures, sources[domain.Host], now)
		if sameSeen(domain.Seen, fresh) {
			publish = publish || due(domain.Seen.Failure, now)
			continue
		}
		fresh.At = now.UTC()
		errs = append(errs, c.o.Ledger.UpdateSeen(ctx, domain.Host, fresh))
		if fresh.issuedAfter(domain.Seen) {
			errs = append(errs, c.routes.NoteCertificateOrder(ctx, domain.Host))
		}
		before := domain
		domain.Seen = fresh
		publish = publish || before.Redirects(now) != domain.Redirects(now) || before.strictFor(now) != domain.strictFor(now) ||
			!before.Seen.Failure.Again.Equal(fresh.Failure.Again)
	}
	if publish {
		errs = append(errs, c.routes.Publish(ctx))
	}
	return errors.Join(append(errs, c.sweepOwn())...)
}

// failureOf returns the last known refusal after this look.
func (c *Certificates) failureOf(domain Domain, seen Seen, failures []traefik.Failure, source Source, now time.Time) Failure {
	last := domain.Seen.Failure
	if source == SourceNone || source == SourceOwn || !seen.Fallback && !seen.EndsSoon(now) {
		return Failure{} // no refusal can matter
	}
	name := domain.Host
	if parent, wildcard := name.Parent(); wildcard {
		name = parent // the proxy's messages name it so
	} else if source == SourceDNS {
		name = c.o.Base
	}
	for _, failure := range failures {
		if slices.Contains(failure.Hosts, name) && failure.At.After(last.At) {
			last = Failure{
				At: failure.At.UTC(), Times: last.Times + 1, Message: failure.Message, Hint: failure.Hint, Said: failure.Text,
				Again: failure.At.UTC().Add(againAfter(last.Times+1, failure.Patient)),
			}
		}
	}
	return last
}

// againAfter returns how long to wait before the next try, because the authority counts
// refusals.
func againAfter(times int, patient bool) time.Duration {
	wait := lastAgain
	if times < 9 {
		wait = min(firstAgain<<(times-1), lastAgain)
	}
	if patient {
		wait = max(wait, patience)
	}
	return wait
}

// due reports whether the time to ask again passed since the last look. It allows one
// minute more, so that a late look does not miss it.
func due(failure Failure, now time.Time) bool {
	return !failure.Again.IsZero() && now.After(failure.Again) && now.Sub(failure.Again) < lookEvery+lookLatest
}

func sameSeen(a, b Seen) bool {
	return !a.At.IsZero() && a.Fallback == b.Fallback && a.Trusted == b.Trusted && a.DryRun == b.DryRun && a.Own == b.Own &&
		a.Issuer == b.Issuer && a.From.Equal(b.From) && a.Until.Equal(b.Until) && slices.Equal(a.Names, b.Names) &&
		a.Failure.At.Equal(b.Failure.At) && a.Failure.Message == b.Failure.Message && a.Failure.Again.Equal(b.Failure.Again)
}

// sweepOwn removes the files that belong to no host of the last table.
func (c *Certificates) sweepOwn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var used []string
	for host, file := range c.files {
		if !c.hosts[host] {
			delete(c.files, host)
			continue
		}
		used = append(used, file.name)
	}
	return c.own.Sweep(used)
}
