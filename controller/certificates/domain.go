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
	SourceHTTP    Source = "http" // the authority, proven on port 80
	SourceTLS     Source = "tls"  // the authority, proven on port 443
	SourceDNS     Source = "dns"  // the authority, one certificate for the base domain and all below it
	SourceOwn     Source = "own"  // brought by a person
	SourceNone    Source = "none" // nobody is asked
)

// Switch is a setting that Berth decides about until a person does.
type Switch string

// The positions of a Switch.
const (
	SwitchAuto Switch = ""
	SwitchOn   Switch = "on"
	SwitchOff  Switch = "off"
)

// Domain is what was decided about a host, and what was seen of it. The zero
// Domain but for its host has the defaults.
type Domain struct {
	Host     traefik.Host
	Source   Source
	Redirect Switch // of plain requests; SwitchAuto redirects once the certificate is trusted
	HSTS     time.Duration
	Chain    []byte // PEM of the own certificate; nil where there is none
	Sealed   []byte // its key
	Seen     Seen
}

// Seen is what the proxy served for a host when it was last looked at.
type Seen struct {
	At       time.Time
	Fallback bool // no certificate covers the host
	Trusted  bool // browsers believe it, or it is of an authority that the operator chose
	DryRun   bool // of an authority for rehearsals
	Own      bool // the one that a person brought
	Issuer   string
	Names    []string
	From     time.Time
	Until    time.Time

	Failure Failure
}

// Failure is the last refusal of a certificate; the zero value is none.
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
	// UpdateDomain sets everything but what was seen, also for the first time.
	UpdateDomain(context.Context, Domain) error
	// UpdateSeen sets what was seen, also for the first time.
	UpdateSeen(context.Context, traefik.Host, Seen) error
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) // as Ledger
	FindSetting(ctx context.Context, key string) (string, error)
	UpdateSetting(ctx context.Context, key, value string) error
}

// keyPlace binds the sealed key to its host.
func keyPlace(host traefik.Host) string { return "certificate key of " + string(host) }

// Redirects reports whether plain requests for the host are sent on to HTTPS.
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

// strictFor is how long browsers are told to insist on HTTPS: not before they
// would believe the certificate, because they could not be told otherwise then.
func (d Domain) strictFor(now time.Time) time.Duration {
	if !d.Seen.Trusted || now.After(d.Seen.Until) {
		return 0
	}
	return d.HSTS
}

// EndsSoon reports whether a certificate should have been renewed by now: an
// issued one a little after the proxy does so at a third of its life, a person's
// own in its last 30 days.
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

// DomainAlert is a certificate that somebody has to look at.
type DomainAlert struct {
	Host    traefik.Host
	Message string
	Bad     bool // visitors are or will soon be refused
}

// alert says what is wrong with the domain; false where nothing is.
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

// issuedAfter reports whether an authority has given a certificate since before was
// seen, which counts against its budget.
func (s Seen) issuedAfter(before Seen) bool {
	return !s.Fallback && !s.Own && !s.DryRun && s.From.After(before.From)
}
