package certificates

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/traefik"
)

// Source is where the certificate of a host comes from.
type Source string

// The sources. The empty one is the default of the proxy's settings.
const (
	SourceDefault Source = ""
	SourceHTTP    Source = "http" // the authority, with a challenge on port 80
	SourceTLS     Source = "tls"  // the authority, with a challenge on port 443
	SourceDNS     Source = "dns"  // the authority, one certificate for the base domain and all hosts below it
	SourceOwn     Source = "own"  // a person's own certificate
	SourceNone    Source = "none" // no authority is asked
)

// Switch is a setting that Berth decides until a person does.
type Switch string

// The positions of a Switch.
const (
	SwitchAuto Switch = ""
	SwitchOn   Switch = "on"
	SwitchOff  Switch = "off"
)

// Domain is a host with its settings and its last seen state. The zero Domain with a host
// has the defaults.
type Domain struct {
	Host     traefik.Host
	Source   Source
	Redirect Switch // of plain requests; SwitchAuto redirects once the certificate is trusted
	HSTS     time.Duration
	Chain    []byte // PEM of the own certificate; nil if there is none
	Sealed   []byte // its key
	Seen     Seen
}

// Seen is the proxy's certificate for a host at the last look.
type Seen struct {
	At       time.Time
	Fallback bool // no certificate covers the host
	Trusted  bool // browsers trust it, or the operator chose its authority
	DryRun   bool // from an authority for dry runs
	Own      bool // the certificate that a person brought
	Issuer   string
	Names    []string
	From     time.Time
	Until    time.Time

	Failure Failure
}

// Failure is the last refusal of a certificate; the zero value means none.
type Failure struct {
	At      time.Time
	Times   int
	Message string
	Hint    string
	Said    string    // by the authority
	Again   time.Time // when it is asked again
}

// DomainLedger keeps the domains.
type DomainLedger interface {
	ListDomains(context.Context) ([]Domain, error)
	// UpdateDomain stores everything but the seen state, also for a new domain.
	UpdateDomain(context.Context, Domain) error
	// UpdateSeen stores the seen state, also for a new domain.
	UpdateSeen(context.Context, traefik.Host, Seen) error
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) // as Ledger
	FindSetting(ctx context.Context, key string) (string, error)
	UpdateSetting(ctx context.Context, key, value string) error
}

// keyPlace binds the sealed key to its host.
func keyPlace(host traefik.Host) string { return "certificate key of " + string(host) }

// Redirects reports whether plain requests for the host are redirected to HTTPS.
func (d Domain) Redirects(now time.Time) bool {
	switch d.Redirect {
	case SwitchOn:
		return true
	case SwitchOff:
		return false
	default:
		return d.Seen.Trusted && now.Before(d.Seen.Until)
	}
}

// strictFor returns how long browsers are told to insist on HTTPS. It is zero before
// browsers trust the certificate, because they could not reach the host to learn
// otherwise.
func (d Domain) strictFor(now time.Time) time.Duration {
	if !d.Seen.Trusted || now.After(d.Seen.Until) {
		return 0
	}
	return d.HSTS
}

// EndsSoon reports whether a certificate should have been renewed by now. For an issued
// certificate that is a little after the proxy renews it, at a third of its life. For a
// person's own it is the last 30 days.
func (s Seen) EndsSoon(now time.Time) bool {
	if s.Fallback || s.Until.IsZero() {
		return false
	}
	const month = 30 * 24 * time.Hour
	life, left := s.Until.Sub(s.From), s.Until.Sub(now)
	if s.Own {
		return left < min(life/3, month)
	}
	return left < life*3/10
}

// DomainAlert is a certificate that needs a person's attention.
type DomainAlert struct {
	Host    traefik.Host
	Message string
	Bad     bool // visitors are refused, or soon will be
}

// alert returns the problem of the domain; false if there is none.
func (d Domain) alert(now time.Time) (DomainAlert, bool) {
	alert := DomainAlert{Host: d.Host}
	seen := d.Seen
	switch {
	case seen.At.IsZero():
		return alert, false
	case !seen.Fallback && now.After(seen.Until):
		alert.Bad, alert.Message = true, "Its certificate has ended; browsers refuse to open it."
	case seen.EndsSoon(now):
		alert.Bad = seen.Until.Sub(now) < 7*24*time.Hour
		alert.Message = fmt.Sprintf("Its certificate ends on %s and was not renewed.", seen.Until.UTC().Format("2 January 2006"))
	case seen.Failure.Message != "":
		alert.Message = cmp.Or(seen.Failure.Message, "It got no certificate.")
	default:
		return alert, false
	}
	return alert, true
}

// issuedAfter reports whether an authority has issued a certificate since before was
// seen. Such a certificate counts against the authority's budget.
func (s Seen) issuedAfter(before Seen) bool {
	return !s.Fallback && !s.Own && !s.DryRun && s.From.After(before.From)
}
