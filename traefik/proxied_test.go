package traefik

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestProxied_EveryPublicRouterHasATwinWithTheSameProtection(t *testing.T) {
	table := Table{
		Targets: []Target{protectedTarget(t)}, Redirects: []Redirect{{From: "www.example.com", To: "example.com"}},
		Pages: "pages:8002", Unknown: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
	}
	made, err := Generate(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, router := range made.HTTP.Routers {
		if strings.HasSuffix(name, proxiedSuffix) || router.EntryPoints[0] == EntryPointVerify {
			continue
		}
		twin := made.HTTP.Routers[name+proxiedSuffix]
		if twin == nil || twin.EntryPoints[0] != router.EntryPoints[0]+proxiedSuffix {
			t.Errorf("%s has %+v", name, twin)
			continue
		}
		if twin.Rule != router.Rule || twin.Priority != router.Priority || twin.Service != router.Service || (twin.TLS != nil) != (router.TLS != nil) {
			t.Errorf("%s: %+v is not %+v", name, twin, router)
		}
		same := slices.EqualFunc(twin.Middlewares, router.Middlewares, func(a, b string) bool {
			return made.HTTP.Middlewares[a] != nil && (a == b || strings.HasPrefix(a, b+proxiedSuffix+"-x"))
		})
		if !same {
			t.Errorf("%s: %v is not %v", name, twin.Middlewares, router.Middlewares)
		}
	}
}

func TestProxied_WithoutTrustedProxiesNothingIsThere(t *testing.T) {
	made, err := Generate(Table{Targets: []Target{protectedTarget(t)}, Pages: "pages:8002", Unknown: true})
	if err != nil {
		t.Fatal(err)
	}
	for name := range made.HTTP.Routers {
		if strings.Contains(name, "proxied") {
			t.Error(name)
		}
	}
}

func TestProxied_RefusesRangesThatMeanEverybody(t *testing.T) {
	for _, text := range []string{"0.0.0.0/0", "::/0", "::ffff:192.0.2.1/128", "192.0.2.1/24"} {
		trusted := []netip.Prefix{netip.MustParsePrefix(text)}
		if _, err := Generate(Table{TrustedProxies: trusted}); err == nil {
			t.Errorf("%s was published", text)
		}
		if _, err := Static(StaticOptions{ProxyAddress: netip.MustParseAddr("10.201.0.2"), TrustedProxies: trusted}); err == nil {
			t.Errorf("%s was written", text)
		}
	}
}

func TestProxied_OtherProxiesAreOtherNames(t *testing.T) {
	names := func(text string) map[string]bool {
		made, err := Generate(Table{Targets: []Target{protectedTarget(t)}, Pages: "pages:8002", TrustedProxies: []netip.Prefix{netip.MustParsePrefix(text)}})
		if err != nil {
			t.Fatal(err)
		}
		all := make(map[string]bool)
		for _, middleware := range made.HTTP.Routers["hello-0-web-proxied"].Middlewares {
			all[middleware] = strings.Contains(middleware, proxiedSuffix)
		}
		return all
	}
	one, other := names("198.51.100.0/24"), names("198.51.100.0/25")
	for name, twin := range one {
		if twin && other[name] {
			t.Errorf("%s has the same name for other proxies", name)
		}
	}
}
