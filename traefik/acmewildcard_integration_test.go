//go:build integration

package traefik

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A wildcard route of an app has a certificate of its own: the proxy orders it, the
// authority asks the DNS that the provider wrote to, and every host one label below is
// answered over HTTPS with it.
func TestACME_AWildcardRouteGetsItsCertificateByDNS(t *testing.T) {
	p, ca := startProxyAndAuthority(t, 0)
	table := Table{
		Targets: []Target{
			target(t, "tenants", backend(t, "tenants"), "*.apps.example"),
			target(t, "shop", backend(t, "shop"), "shop.apps.example"),
		},
		ForceHTTPS: true, HTTPSPort: 8443,
		Domains: []Domain{
			{Host: "*.apps.example", Resolver: p.options.ACME.Resolver(ChallengeDNS), HSTS: time.Hour},
			{Host: "shop.apps.example"}, // the wildcard's covers it
		},
	}
	p.publishTable(table)
	chain := awaitServed(t, p, ca, "one.apps.example", anyChain, time.Minute)
	if names := chain[0].DNSNames; !slices.Equal(names, []string{"*.apps.example"}) {
		t.Errorf("the certificate is for %q", names)
	}
	for host, app := range map[string]string{"one.apps.example": "tenants", "two.apps.example": "tenants", "shop.apps.example": "shop"} {
		shown := served(t, host)
		if shown == nil || !shown[0].Equal(chain[0]) {
			t.Errorf("%s has another certificate", host)
			continue
		}
		verify(t, ca, host, shown)
		got, _ := getTLS(t, host, "/")
		if got.status != http.StatusOK || !strings.HasPrefix(got.body, app+" ") {
			t.Errorf("%s is answered %+v, want %s", host, got, app)
		}
	}
	for _, host := range []string{"apps.example", "a.one.apps.example", "oneXapps.example"} {
		if served(t, host) != nil {
			t.Errorf("%s is covered", host)
		}
	}
	if got, _ := getTLS(t, "two.apps.example", "/"); got.header.Get("Strict-Transport-Security") != "max-age=3600" {
		t.Errorf("header %v", got.header)
	}
	if log := ca.Log(); !strings.Contains(log, "_acme-challenge.apps.example") && !strings.Contains(log, "dns-01") {
		t.Errorf("the authority asked no DNS:\n%s", log)
	}
	p.complainsOf(nil)
}
