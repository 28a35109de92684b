package traefik

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	proxiedSuffix = "-proxied"
	// overTLSSuffix ends the name of the router for what reached a trusted proxy over TLS.
	overTLSSuffix = "-tls" + proxiedSuffix
	// overTLSPriority is above the routers of the same route, and below those of the next.
	overTLSPriority = 3
	overTLSRule     = "HeaderRegexp(`X-Forwarded-Proto`, `^(https|wss)$`)"
	// challengeRouter lets an authority's HTTP challenge through, in WriteStatic's file.
	challengeRouter = "proxied.challenge"
)

// checkTrusted refuses ranges that would believe everybody, or that the proxy reads in
// another way.
func checkTrusted(proxies []netip.Prefix) error {
	for _, prefix := range proxies {
		if !prefix.IsValid() || prefix.Bits() == 0 || prefix.Addr().Is4In6() || prefix != prefix.Masked() {
			return fmt.Errorf("%s is not a range of trusted proxies", prefix)
		}
	}
	return nil
}

// HasHTTPChallenge reports whether an authority may ask on port 80.
func (o StaticOptions) HasHTTPChallenge() bool {
	return slices.ContainsFunc(o.ACME.Resolvers(), func(r Resolver) bool { return r.Challenge == ChallengeHTTP })
}

// proxiedHeaders are what a trusted proxy may have from a client and pass on as it is. Its
// word counts for X-Forwarded-For and X-Forwarded-Proto alone; the host is the request's.
var proxiedHeaders = []string{
	"X-Forwarded-Host", "X-Forwarded-Method", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info", "X-Forwarded-Uri", "X-Real-Ip",
}

// addProxied gives each public router a twin for what comes through the proxies. The twin
// has the same middlewares, and they ask the proxies who the client is.
func (c *Configuration) addProxied(proxies []netip.Prefix) {
	if c.HTTP == nil || len(proxies) == 0 {
		return
	}
	twins := proxiedTwins{whole: c.HTTP, made: &HTTP{Routers: make(map[string]*Router), Middlewares: make(map[string]*Middleware)}}
	for _, prefix := range proxies {
		twins.proxies = append(twins.proxies, prefix.String())
	}
	for name, router := range c.HTTP.Routers {
		switch {
		case slices.Equal(router.EntryPoints, []string{EntryPointWebsecure}):
			twins.add(name+proxiedSuffix, router, EntryPointWebsecureProxied)
		case slices.Equal(router.EntryPoints, []string{EntryPointWeb}):
			twins.add(name+proxiedSuffix, router, EntryPointWebProxied)
			twins.addOverTLS(name, router)
		}
	}
	c.add(&Configuration{HTTP: twins.made})
}

type proxiedTwins struct {
	proxies     []string
	whole, made *HTTP
}

func (t proxiedTwins) add(name string, router *Router, entryPoint string) {
	twin := *router
	twin.EntryPoints, twin.Middlewares = []string{entryPoint}, nil
	if router.TLS != nil {
		twin.TLS = new(RouterTLS) // the router itself asks for the certificate
	}
	for _, middleware := range router.Middlewares {
		twin.Middlewares = append(twin.Middlewares, t.middleware(middleware))
	}
	t.made.Routers[name] = &twin
}

// addOverTLS makes the router for what reached the trusted proxy over TLS, if that is
// treated in another way here: it is not redirected to HTTPS again.
func (t proxiedTwins) addOverTLS(name string, router *Router) {
	for _, suffix := range routerSuffixes {
		base, found := strings.CutSuffix(name, "-"+EntryPointWeb+suffix)
		secure := t.whole.Routers[base+"-"+EntryPointWebsecure+suffix]
		if !found || secure == nil || slices.Equal(secure.Middlewares, router.Middlewares) {
			continue
		}
		twin := *secure
		twin.Rule, twin.Priority, twin.TLS = "("+router.Rule+") && "+overTLSRule, router.Priority+overTLSPriority, nil
		t.add(name+overTLSSuffix, &twin, EntryPointWebProxied)
	}
}

// middleware is the name of the twin of a middleware, which is the middleware itself if it
// does not ask who the client is.
func (t proxiedTwins) middleware(name string) string {
	twin := t.twin(name)
	if twin == nil {
		return name
	}
	twinName := name + proxiedSuffix + "-" + hashOf(strings.Join(t.proxies, " "))
	t.made.Middlewares[twinName] = twin
	return twinName
}

func (t proxiedTwins) twin(name string) *Middleware {
	middleware := t.whole.Middlewares[name]
	switch {
	case middleware == nil:
		return nil
	case name == forwardedName:
		twin := forwarded()
		for _, header := range proxiedHeaders {
			twin.Headers.CustomRequestHeaders[header] = ""
		}
		return twin
	case middleware.IPAllowList != nil:
		twin := *middleware.IPAllowList
		twin.IPStrategy = &IPStrategy{ExcludedIPs: t.proxies}
		return &Middleware{IPAllowList: &twin}
	case middleware.RateLimit != nil:
		twin := *middleware.RateLimit
		// Not the last stranger in the header: only this form has networks of IPv6, and
		// whoever has a network would have as many rates as it has addresses.
		twin.SourceCriterion = &SourceCriterion{IPStrategy: &IPStrategy{Depth: 1, IPv6Subnet: 64}}
		return &Middleware{RateLimit: &twin}
	default:
		return nil
	}
}
