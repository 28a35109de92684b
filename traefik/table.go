package traefik

import (
	"net/netip"
	"slices"
)

// Table is the complete input of the dynamic configuration. The zero Table routes
// nothing.
type Table struct {
	Targets []Target // each with a service of its own

	Redirects []Redirect // of whole hosts; a host that redirects has no route
	Home      Route      // the target of "/" if no target has it; the zero Route means none
	Beacon    Beacon     // tells this proxy from another; the zero Beacon is off
	Domains   []Domain   // at most one for each host
	Forwards  []Forward  // one for each public port of the static configuration
	Admin     AdminRoute // the admin app's public host; the zero value: it has none

	ForceHTTPS bool   // redirects plain requests of every route to HTTPS
	HTTPSPort  uint16 // the HTTPS port for browsers; 0 means 443
	// TrustedProxies stand in front of the proxy, as in StaticOptions: every router has a
	// twin for what comes through them. Empty: none.
	TrustedProxies []netip.Prefix
	// Pages is the host:port of the handler of pages. It may be empty if no target is in
	// maintenance or unavailable; then no path redirects to its slash.
	Pages string
	// Unknown makes Pages answer requests without a route, in place of the proxy's bare
	// 404.
	Unknown bool
}

// Only returns the table's parts for one release of an app, and whether there are any. It
// leaves out the parts without an app.
func (t Table) Only(app string, release int64) (Table, bool) {
	for _, target := range t.Targets {
		if target.App == app && target.Release == release {
			t.Targets = []Target{target}
			t.Forwards = slices.DeleteFunc(slices.Clone(t.Forwards), func(f Forward) bool { return f.App != app || f.Release != release })
			t.Redirects, t.Home, t.Beacon, t.Unknown, t.Admin = nil, Route{}, Beacon{}, false, AdminRoute{}
			return t, true
		}
	}
	return Table{}, false
}
