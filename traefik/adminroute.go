package traefik

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// adminBase begins the names of the routers of an AdminRoute.
const adminBase = adminPrefix + "public"

// adminBelow is the base of the routers that keep the hosts below an AdminRoute's empty.
const adminBelow = adminPrefix + "below"

// AdminRoute leads a public host to the admin app, over HTTPS alone. The zero value leads
// nowhere.
type AdminRoute struct {
	Host    Host
	Address string         // host:port where the controller hears the proxy
	Allow   []netip.Prefix // the clients that may come; empty: all. Others get a 404
}

// Reserves reports whether the host is the route's, is below it, or is a wildcard over it,
// so that no app can have it.
func (a AdminRoute) Reserves(host Host) bool {
	return a.Host != "" && (host.Matches(a.Host) || strings.HasSuffix(string(host), "."+string(a.Host)))
}

// check refuses a route that is not valid, or shares its host with a target or redirect.
func (a AdminRoute) check(table Table) error {
	if a.Host == "" {
		return nil
	}
	if parsed, err := ParseHost(string(a.Host)); err != nil || parsed != a.Host {
		return fmt.Errorf("public admin host %.80q is not valid", a.Host)
	}
	if err := errors.Join(checkAddress(a.Address), Access{Allow: a.Allow}.Check()); err != nil {
		return fmt.Errorf("public admin host: %w", err)
	}
	for _, target := range table.Targets {
		for _, route := range target.Routes {
			if !target.Proving && !target.Access.Closed() && a.Reserves(route.Host) {
				return fmt.Errorf("route %s of %s is on the admin app's host", route, target.service())
			}
		}
	}
	for _, redirect := range table.Redirects {
		if a.Reserves(redirect.From) {
			return fmt.Errorf("the redirect of %s is on the admin app's host", redirect.From)
		}
	}
	return nil
}

// generate makes the routers, before Table.secure adds the certificate and the redirect to
// HTTPS. The chain is that of an app, and refuses strangers before anything else.
func (a AdminRoute) generate() *Configuration {
	chain := []string{forwardedName, EncodedSlash.middlewareName()}
	made := &HTTP{
		Routers:     make(map[string]*Router),
		Services:    map[string]*Service{adminBase: {LoadBalancer: &LoadBalancer{Servers: []Server{{URL: "http://" + a.Address}}, PassHostHeader: true}}},
		Middlewares: map[string]*Middleware{adminBelow: {IPAllowList: &IPAllowList{SourceRange: []string{nobody}, RejectStatusCode: notThere}}},
	}
	if len(a.Allow) > 0 {
		var ranges []string
		for _, prefix := range (Access{Allow: a.Allow}).Canonical().Allow {
			ranges = append(ranges, prefix.String())
		}
		name := adminBase + "-allow-" + hashOf(strings.Join(ranges, " "))
		made.Middlewares[name] = &Middleware{IPAllowList: &IPAllowList{SourceRange: ranges, RejectStatusCode: notThere}}
		chain = append([]string{name}, chain...)
	}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := Router{EntryPoints: []string{entryPoint}, Middlewares: chain, Service: adminBase, Rule: a.Host.rule(), Priority: adminRoutePriority}
		below := Router{EntryPoints: []string{entryPoint}, Middlewares: []string{adminBelow}, Service: noService, Rule: a.belowRule(), Priority: adminRoutePriority}
		if entryPoint == EntryPointWebsecure {
			router.TLS, below.TLS = new(RouterTLS), new(RouterTLS)
		}
		made.Routers[adminBase+"-"+entryPoint], made.Routers[adminBelow+"-"+entryPoint] = &router, &below
	}
	return &Configuration{HTTP: made}
}

const (
	// adminRoutePriority is above every route and the beacon, and below the challenges of
	// authorities.
	adminRoutePriority = 150_000
	// nobody is an address that no client has.
	nobody   = "255.255.255.255/32"
	notThere = 404
)

// belowRule matches every host below the admin app's, where an app on any host would
// otherwise answer, and could give the browser cookies for the admin app's name.
func (a AdminRoute) belowRule() string {
	return "HostRegexp(`^.+\\." + regexp.QuoteMeta(string(a.Host)) + "\\.?$`)"
}

// secureAdmin adds the certificate of the admin app's host. Plain requests are redirected
// whatever the certificate is: the admin app answers none.
func (t Table) secureAdmin(whole *Configuration, domain Domain) {
	if t.Admin.Host == "" {
		return
	}
	domain.RedirectHTTPS = true
	t.secureRouters(whole, adminBase, domain)
}
