// Package certificates decides which certificate each host shows, and keeps it valid.
package certificates

import (
	"context"
	"fmt"
	"sync"
	"time"

	"berth/controller/certificate"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/traefik"
)

// ProxyEngine is the part of the container engine that certificates need.
type ProxyEngine interface {
	RestartProxy(ctx context.Context) (restarted bool, err error)
	ReadProxyLog(ctx context.Context, since time.Time, each func(docker.Line) error) error
}

// askPause is longer than the proxy's wait for one more change.
const askPause = 300 * time.Millisecond

// Routes is the route table, which holds how each host is served.
type Routes interface {
	// Publish publishes the table after a change here.
	Publish(ctx context.Context) error
	// NoteCertificateOrder counts a certificate from an authority.
	NoteCertificateOrder(ctx context.Context, host traefik.Host) error
}

// Certificates changes how hosts are served, as people ask for it, and checks the
// certificates that the proxy serves. It is safe for concurrent use.
type Certificates struct {
	*Book
	routes   Routes
	settling sync.Mutex // held during a change of the static settings and its restart
	watch    watching
}

// New returns the Certificates of a book, whose changes it publishes with routes.
func New(book *Book, routes Routes) *Certificates {
	return &Certificates{Book: book, routes: routes, watch: watching{restart: book.changed}}
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
	if host.IsWildcard() && (change.Source == SourceHTTP || change.Source == SourceTLS) {
		return refuseField("source", "Only a challenge over DNS can prove a wildcard host.", "Choose the default, with a DNS provider set; or upload your own certificate.")
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
	if err := c.routes.Publish(ctx); err != nil {
		return err
	}
	if err := pause.For(ctx, askPause); err != nil { // otherwise the proxy sees no change
		return err
	}
	domain.Seen.Failure = Failure{}
	if err := c.o.Ledger.UpdateSeen(ctx, host, domain.Seen); err != nil {
		return err
	}
	return c.routes.Publish(ctx)
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
	if err := c.routes.Publish(ctx); err != nil {
		return fmt.Errorf("publish %s: %w", domain.Host, err)
	}
	return nil
}
