//go:build integration

package traefik

import (
	"net/http"
	"strings"
	"testing"
)

// The rules of a wildcard as the proxy itself reads them: one label, below every host that
// somebody named, and above every path. An app's second service is reached beside its main
// one.
func TestProxy_WildcardAnswersOneLabelAndLosesAgainstExactHosts(t *testing.T) {
	p := startProxy(t)
	tenants := target(t, "tenants", backend(t, "tenants"), "*.example.com", "*.example.com/api")
	tenants.Leads = map[Route]string{mustParseRoute(t, "*.example.com/api"): backend(t, "api")}
	site := target(t, "site", backend(t, "site"), "a.example.com", "/")
	p.publish(tenants, site)
	p.confirmAll(tenants, site)
	for host, want := range map[string]string{
		"b.example.com": "tenants", "B.Example.COM": "tenants", "b.example.com.": "tenants", "b_c-d.example.com": "tenants",
		"a.example.com": "site", "a.example.com.": "site", "example.com": "site", "a.b.example.com": "site", "bexample.com": "site", "b.exampleXcom": "site",
	} {
		if got := get(t, WebPort, host, "/"); got.status != http.StatusOK || !strings.HasPrefix(got.body, want+" ") {
			t.Errorf("%s is answered %+v, want %s", host, got, want)
		}
	}
	if got := get(t, WebPort, "b.example.com", "/api/x"); !strings.HasPrefix(got.body, "api ") {
		t.Errorf("the other service: %+v", got)
	}
}
