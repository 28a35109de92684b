package traefik

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Domain is how one host is served: where its certificate is from, and whether
// plain requests are sent on. A host of a route that no Domain names is served
// with whatever certificate covers it, else with the fallback.
type Domain struct {
	Host Host
	// Resolver is whom the proxy asks for a certificate, one of those that the static
	// configuration names; empty asks nobody.
	Resolver string
	// Wildcard is the domain above Host whose one certificate, for itself and *.itself,
	// is asked for instead of one for Host. Only a resolver over DNS can give it.
	Wildcard Host
	// Certificate is a file with a certificate and its key as the proxy finds it, from
	// OwnCertificates; empty: there is none.
	Certificate string
	// RedirectHTTPS sends plain requests on to HTTPS.
	RedirectHTTPS bool
	// HSTS is how long browsers shall insist on HTTPS, in whole seconds; 0 says nothing.
	HSTS time.Duration
}

const (
	longestHSTS = 2 * 366 * 24 * time.Hour

	// The dots keep these names apart from those that are made of an app's name.
	redirectName   = "berth.https"
	hstsNamePrefix = "berth.hsts."
)

var resolverPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// check refuses what would become structure, or could never be served.
func (d Domain) check() error {
	if parsed, err := ParseHost(string(d.Host)); err != nil || parsed != d.Host {
		return fmt.Errorf("domain %.80q is not a valid host", d.Host)
	}
	if d.Resolver != "" && !resolverPattern.MatchString(d.Resolver) {
		return fmt.Errorf("domain %s: resolver %.60q is not valid", d.Host, d.Resolver)
	}
	if d.Wildcard != "" {
		if parsed, err := ParseHost(string(d.Wildcard)); err != nil || parsed != d.Wildcard {
			return fmt.Errorf("domain %s: wildcard %.80q is not a valid host", d.Host, d.Wildcard)
		}
		if !d.Wildcard.Covers(d.Host) {
			return fmt.Errorf("domain %s is neither %s nor one label below it", d.Host, d.Wildcard)
		}
	}
	if d.Certificate != "" && (!path.IsAbs(d.Certificate) || path.Clean(d.Certificate) != d.Certificate) {
		return fmt.Errorf("domain %s: certificate %.80q is not a plain absolute path", d.Host, d.Certificate)
	}
	if d.HSTS < 0 || d.HSTS > longestHSTS || d.HSTS%time.Second != 0 {
		return fmt.Errorf("domain %s: %s is not a time for HSTS", d.Host, d.HSTS)
	}
	return nil
}

// Covers reports whether a certificate for h and *.h is one for host.
func (h Host) Covers(host Host) bool {
	label, found := strings.CutSuffix(string(host), "."+string(h))
	return h != "" && (host == h || found && label != "" && !strings.Contains(label, "."))
}

func checkDomains(domains []Domain) error {
	seen := make(map[Host]bool, len(domains))
	for _, domain := range domains {
		if err := domain.check(); err != nil {
			return err
		}
		if seen[domain.Host] {
			return errors.New("domain " + string(domain.Host) + " is there twice")
		}
		seen[domain.Host] = true
	}
	return nil
}

// secure adds to the configuration what the table says of hosts: the labels of
// the targets know nothing of it, because it changes while they run.
func (t Table) secure(whole *Configuration) {
	domains := make(map[Host]Domain, len(t.Domains))
	for _, domain := range t.Domains {
		domains[domain.Host] = domain
	}
	for _, target := range t.Targets {
		if target.Proving {
			continue
		}
		for place, route := range target.sortedRoutes() {
			base := target.routerBase(place)
			t.secureRouters(whole, base, domains[route.Host])
		}
	}
	for _, redirect := range t.Redirects {
		t.secureRouters(whole, string(redirect.From), domains[redirect.From])
	}
	whole.TLS = certificatesOf(t.Domains)
}

// secureRouters puts what is about the scheme before everything else: a request
// that is sent on must not be answered, nor asked for a password, in the clear.
func (t Table) secureRouters(whole *Configuration, base string, domain Domain) {
	for _, name := range whole.routersOf(base + "-" + EntryPointWeb) {
		if t.ForceHTTPS || domain.RedirectHTTPS {
			whole.use(name, redirectName, t.redirect())
		}
	}
	for _, name := range whole.routersOf(base + "-" + EntryPointWebsecure) {
		whole.HTTP.Routers[name].TLS = domain.routerTLS()
		if seconds := int64(domain.HSTS / time.Second); seconds > 0 {
			age := strconv.FormatInt(seconds, 10)
			whole.use(name, hstsNamePrefix+age, &Middleware{Headers: &Headers{
				CustomResponseHeaders: map[string]string{"Strict-Transport-Security": "max-age=" + age},
			}})
		}
	}
}

// routersOf lists the routers of a route on one entry point: none where nobody may
// get in, and more where bodies are bounded or the path is redirected to its slash.
func (c *Configuration) routersOf(name string) (names []string) {
	for _, name := range []string{name, name + bodySuffix, name + slashSuffix} {
		if c.HTTP.Routers[name] != nil {
			names = append(names, name)
		}
	}
	return names
}

// redirect is permanent, and keeps method and body: 308 where it matters.
func (t Table) redirect() *Middleware {
	return &Middleware{RedirectScheme: &RedirectScheme{
		Scheme: "https", Port: strconv.Itoa(int(cmp.Or(t.HTTPSPort, 443))), Permanent: true,
	}}
}

func (d Domain) routerTLS() *RouterTLS {
	if d.Resolver == "" || d.Certificate != "" {
		return &RouterTLS{}
	}
	made := &RouterTLS{CertResolver: d.Resolver}
	if d.Wildcard != "" {
		made.Domains = []TLSDomain{{Main: string(d.Wildcard), SANs: []string{"*." + string(d.Wildcard)}}}
	} else {
		// Named, because the proxy would take it from the rule, where other hosts may stand one day.
		made.Domains = []TLSDomain{{Main: string(d.Host)}}
	}
	return made
}

// use puts the middleware before the others of the router.
func (c *Configuration) use(router, name string, middleware *Middleware) {
	if c.HTTP.Middlewares == nil {
		c.HTTP.Middlewares = make(map[string]*Middleware)
	}
	c.HTTP.Middlewares[name] = middleware
	c.HTTP.Routers[router].Middlewares = slices.Concat([]string{name}, c.HTTP.Routers[router].Middlewares)
}

// certificatesOf lists the own certificates by host; nil where there are none.
func certificatesOf(domains []Domain) *TLS {
	var section TLS
	for _, domain := range slices.SortedFunc(slices.Values(domains), func(a, b Domain) int { return cmp.Compare(a.Host, b.Host) }) {
		if domain.Certificate != "" {
			section.Certificates = append(section.Certificates, Certificate{CertFile: domain.Certificate, KeyFile: domain.Certificate})
		}
	}
	if len(section.Certificates) == 0 {
		return nil
	}
	return &section
}
