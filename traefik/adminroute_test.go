package traefik

import (
	"net/netip"
	"slices"
	"testing"
)

// adminAt is a table with a public host of the admin app.
func adminAt(host Host) Table {
	return Table{Admin: AdminRoute{Host: host, Address: "10.201.0.3:8002"}}
}

func TestAdminRoute_AnswersOverHTTPSAloneAboveEveryApp(t *testing.T) {
	t.Parallel()
	made, err := Generate(adminAt("admin.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	plain, secure := made.HTTP.Routers["admin.public-web"], made.HTTP.Routers["admin.public-websecure"]
	if plain == nil || secure == nil || plain.Middlewares[0] != redirectName || slices.Contains(secure.Middlewares, redirectName) || secure.TLS == nil {
		t.Fatalf("plain %+v, secure %+v", plain, secure)
	}
	highest := Route{Host: "admin.example.com", Path: "/" + Path(make([]byte, maxPathBytes))}.Priority()
	for name, router := range made.HTTP.Routers {
		if router.Priority <= max(highest, beaconPriority)+1 || !isAdminRouter(name) {
			t.Errorf("%s has the priority %d", name, router.Priority)
		}
	}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		below := made.HTTP.Routers["admin.below-"+entryPoint]
		if below == nil || below.Service != noService || below.Rule != "HostRegexp(`^.+\\.admin\\.example\\.com\\.?$`)" {
			t.Errorf("hosts below it on %s: %+v", entryPoint, below)
		}
	}
}

func TestAdminRoute_IsNoRouterWithoutAHost(t *testing.T) {
	t.Parallel()
	made, err := Generate(Table{})
	if err != nil || made.HTTP != nil {
		t.Errorf("%+v %v", made.HTTP, err)
	}
}

func TestAdminRoute_RefusesTextThatWouldBecomeARuleAndHostsOfApps(t *testing.T) {
	t.Parallel()
	tables := map[string]Table{
		"a rule":           adminAt("a.example`) || Host(`b.example"),
		"a template":       adminAt("{{ env `PATH` }}.example"),
		"one label":        adminAt("localhost"),
		"a wildcard":       adminAt("*.example.com"),
		"an address":       {Admin: AdminRoute{Host: "admin.example.com", Address: "10.201.0.3"}},
		"everybody":        {Admin: AdminRoute{Host: "admin.example.com", Address: "10.201.0.3:8002", Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}},
		"a redirect of it": adminAt("admin.example.com"),
	}
	redirected := tables["a redirect of it"]
	redirected.Redirects = []Redirect{{From: "www.admin.example.com", To: "example.com"}}
	tables["a redirect of it"] = redirected
	for _, host := range []Host{"admin.example.com", "x.admin.example.com", "*.admin.example.com", "*.example.com"} {
		table := adminAt("admin.example.com")
		table.Targets = []Target{{App: "shop", Release: 1, Address: "berth-shop-r1:8000", Routes: []Route{{Host: host, Path: "/"}}}}
		tables["an app on "+string(host)] = table
	}
	for name, table := range tables {
		if _, err := Generate(table); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
