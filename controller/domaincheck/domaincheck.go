// Package domaincheck asks DNS and the certificate authority's rules whether a host
// can get a certificate on this server, and says in words what stands in the way.
package domaincheck

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"berth/traefik"
)

// checkTimeout bounds one check, however slow the servers that it asks are.
const checkTimeout = 8 * time.Second

// Let's Encrypt's limits (https://letsencrypt.org/docs/rate-limits/): certificates
// for one registered domain with its hosts, and for the same set of hosts, in seven days.
const (
	budgetWindow     = 7 * 24 * time.Hour
	budgetOfDomain   = 50
	budgetOfSameHost = 5
)

// LetsEncrypt is the name of that authority in CAA records.
const LetsEncrypt = "letsencrypt.org"

// About names what a Finding is about.
type About string

// What is looked at.
const (
	AboutDNS    About = "DNS"
	AboutCAA    About = "CAA"
	AboutReach  About = "Port 80"
	AboutBudget About = "Rate budget"

	AboutChallenge About = "Challenge" // how control of the domain is proven
)

// Outcome is how a part of a check went.
type Outcome string

// The outcomes.
const (
	Good    Outcome = "good"
	Bad     Outcome = "bad"     // a certificate will not come before this is mended
	Unknown Outcome = "unknown" // it could not be told
)

// Finding is what a part of a check found, in whole sentences.
type Finding struct {
	About   About   `json:"about"`
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message"`
	Hint    string  `json:"hint,omitempty"` // what to do, where there is something
}

// Options are what a Checker knows. Only Beacon is required.
type Options struct {
	Resolver  string       // host:port of a DNS server; empty: those of the system
	Addresses []netip.Addr // of this server as the internet sees it; empty: those of its interfaces that are public
	Authority string       // the CA's name in CAA records; empty: LetsEncrypt
	Port      uint16       // where an authority connects to; 0: 80
	Beacon    traefik.Beacon
	// Orders counts the certificates that were asked for since a moment, of a registered
	// domain and of the host alone. Nil leaves the budget out.
	Orders func(ctx context.Context, host traefik.Host, domain string, since time.Time) (ofDomain, ofHost int, err error)
}

// Checker checks hosts. It is safe for concurrent use.
type Checker struct {
	options Options
	servers []string // host:port
	own     []netip.Addr
}

// New returns a Checker.
func New(o Options) *Checker {
	if o.Authority == "" {
		o.Authority = LetsEncrypt
	}
	if o.Port == 0 {
		o.Port = 80
	}
	checker := &Checker{options: o, servers: []string{o.Resolver}, own: o.Addresses}
	if o.Resolver == "" {
		checker.servers = systemServers()
	}
	if len(checker.own) == 0 {
		checker.own = publicInterfaces()
	}
	return checker
}

// Check looks at everything about the host, for at most eight seconds.
func (c *Checker) Check(ctx context.Context, host traefik.Host) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var (
		group                     errgroup.Group
		pointing, caa, at, budget Finding
	)
	group.Go(func() error {
		found := c.resolve(ctx, host)
		answers := c.reach(ctx, host, found.addresses)
		pointing, at = c.judgeDNS(host, found, answers), c.judgeReach(found, answers)
		return nil
	})
	group.Go(func() error {
		caa = c.checkCAA(ctx, host)
		return nil
	})
	group.Go(func() error {
		budget = c.checkBudget(ctx, host)
		return nil
	})
	_ = group.Wait() // none of them fails: what could not be asked is a finding
	return slices.DeleteFunc([]Finding{pointing, at, caa, budget}, func(f Finding) bool { return f == Finding{} })
}

// judgeDNS says where the host points to. One that answers here through somebody
// else's address, such as a proxy in front, points well enough.
func (c *Checker) judgeDNS(host traefik.Host, found resolved, answers []reached) Finding {
	finding := Finding{About: AboutDNS}
	foreign := slices.DeleteFunc(slices.Clone(found.addresses), c.isOwn)
	through := slices.ContainsFunc(answers, func(r reached) bool { return r.here })
	switch name := host.Unicode(); {
	case found.err != nil:
		finding.Outcome, finding.Message = Unknown, fmt.Sprintf("DNS could not be asked for %s: %s.", name, found.err)
		finding.Hint = "Check the name servers of the domain, and that this server can reach a DNS server."
	case len(found.addresses) == 0:
		finding.Outcome, finding.Message = Bad, fmt.Sprintf("%s has no address in DNS%s.", name, found.via())
		finding.Hint = c.wantedRecord(host, "Add")
	case len(foreign) == 0:
		finding.Outcome, finding.Message = Good, fmt.Sprintf("%s points to this server, %s.", name, list(found.addresses))
	case through:
		finding.Outcome, finding.Message = Good, fmt.Sprintf("%s points to %s%s and is answered here.", name, list(found.addresses), found.via())
	case len(c.own) == 0:
		finding.Outcome, finding.Message = Unknown, fmt.Sprintf("%s points to %s%s; Berth does not know the public address of this server.", name, list(found.addresses), found.via())
		finding.Hint = "Compare it yourself, or set BERTH_PUBLIC_ADDRESSES."
	case len(foreign) < len(found.addresses):
		finding.Outcome, finding.Message = Bad, fmt.Sprintf("%s points to %s%s too, and this server is %s: some visitors get there.", name, list(foreign), found.via(), list(c.own))
		finding.Hint = "Remove the record of the other address."
	default:
		finding.Outcome, finding.Message = Bad, fmt.Sprintf("%s points to %s%s, this server is %s.", name, list(found.addresses), found.via(), list(c.own))
		finding.Hint = c.wantedRecord(host, "Change")
	}
	return finding
}

// wantedRecord is the sentence that tells which records to make.
func (c *Checker) wantedRecord(host traefik.Host, verb string) string {
	records := make([]string, 0, len(c.own))
	for _, address := range c.own {
		kind := "AAAA"
		if address.Is4() {
			kind = "A"
		}
		records = append(records, fmt.Sprintf("the %s record of %s to %s", kind, host, address))
	}
	switch {
	case len(records) == 0:
		return "Set an A record of " + string(host) + " to the public address of this server."
	case verb == "Add":
		return "Set " + strings.Join(records, " and ") + "."
	default:
		return verb + " " + strings.Join(records, " and ") + "."
	}
}

// checkBudget compares what was asked for with what the authority gives.
func (c *Checker) checkBudget(ctx context.Context, host traefik.Host) Finding {
	if c.options.Orders == nil || c.options.Authority != LetsEncrypt {
		return Finding{}
	}
	domain, err := RegisteredDomain(host)
	if err != nil {
		return Finding{
			About: AboutBudget, Outcome: Bad, Message: fmt.Sprintf("%s is not below a domain that can be registered.", host),
			Hint: "Public authorities give no certificate for it; use a domain of your own.",
		}
	}
	ofDomain, ofHost, err := c.options.Orders(ctx, host, domain, time.Now().Add(-budgetWindow))
	finding := Finding{About: AboutBudget, Outcome: Good}
	switch {
	case err != nil:
		finding.Outcome, finding.Message = Unknown, "The certificates that were asked for could not be counted."
	case ofDomain >= budgetOfDomain:
		finding.Outcome = Bad
		finding.Message = fmt.Sprintf("%d certificates were asked for under %s in the last 7 days, and %d is the most.", ofDomain, domain, budgetOfDomain)
		finding.Hint = "Wait until the oldest is 7 days old, or use an own certificate."
	case ofHost >= budgetOfSameHost:
		finding.Outcome = Bad
		finding.Message = fmt.Sprintf("%d certificates were asked for %s in the last 7 days, and %d is the most.", ofHost, host, budgetOfSameHost)
		finding.Hint = "Wait until the oldest is 7 days old."
	default:
		finding.Message = fmt.Sprintf("%d of %d certificates a week were asked for under %s.", ofDomain, budgetOfDomain, domain)
	}
	return finding
}

// RegisteredDomain is the part of the host that its owner registered, by the public
// suffix list: what authorities count certificates by.
func RegisteredDomain(host traefik.Host) (string, error) {
	return publicsuffix.EffectiveTLDPlusOne(string(host))
}

func (c *Checker) isOwn(address netip.Addr) bool { return slices.Contains(c.own, address) }

func list(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return strings.Join(texts, " and ")
}
