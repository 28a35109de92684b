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

// Domain says how the proxy serves one host: the source of its certificate, and the
// redirect of plain requests. A host without a Domain gets any certificate that covers
// it, or the fallback.
type Domain struct {
	Host Host
	// Resolver is the resolver for a certificate, by its name in the static
	// configuration; empty means that no authority is asked.
	Resolver string
	// Wildcard is a domain above Host. Its one certificate, for itself and *.itself,
	// replaces one for Host. Only a resolver over DNS can get it.
	Wildcard Host
	// Certificate is a file with a certificate and its key, by its path in the proxy,
	// from OwnCertificates; empty means none.
	Certificate string
	// RedirectHTTPS redirects plain requests to HTTPS.
	RedirectHTTPS bool
	// HSTS is how long browsers must insist on HTTPS, in whole seconds; 0 sends no
	// header.
	HSTS time.Duration
}

const (
	longestHSTS = 2 * 366 * 24 * time.Hour

	// The dots keep these names apart from names that contain an app's name.
	redirectName   = "berth.https"
	hstsNamePrefix = "berth.hsts."
)

var resolverPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// check refuses values that would become structure, or could never be served.
func (d Domain) check() error {
	if parsed, err := ParseAppHost(string(d.Host)); err != nil || parsed != d.Host {
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

// Covers reports whether a certificate for h and *.h covers host.
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

// secure adds the table's settings of hosts to the configuration. The labels of targets
// do not hold them, because they change while targets run.
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
	t.secureAdmin(whole, domains[t.Admin.Host])
	whole.TLS = certificatesOf(t.Domains)
}

// secureRouters puts the scheme's middlewares first: a request that is redirected must
// not be answered, or asked for a password, in the clear.
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

// routersOf returns the routers of a route on one entry point: none if the access admits
// nobody, and more if bodies are bounded or the path redirects to its slash.
func (c *Configuration) routersOf(name string) (names []string) {
	for _, suffix := range routerSuffixes {
		if c.HTTP.Routers[name+suffix] != nil {
			names = append(names, name+suffix)
		}
	}
	return names
}

// redirect is permanent, and keeps method and body by 308.
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
		// Named, because the proxy would otherwise take it from the rule, which may get
		// more hosts one day.
		made.Domains = []TLSDomain{{Main: string(d.Host)}}
	}
	return made
}

// use puts the middleware before the router's other middlewares.
func (c *Configuration) use(router, name string, middleware *Middleware) {
	if c.HTTP.Middlewares == nil {
		c.HTTP.Middlewares = make(map[string]*Middleware)
	}
	c.HTTP.Middlewares[name] = middleware
	c.HTTP.Routers[router].Middlewares = slices.Concat([]string{name}, c.HTTP.Routers[router].Middlewares)
}

// certificatesOf returns the own certificates by host; nil if there are none.
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
