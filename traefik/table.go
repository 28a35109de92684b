package traefik

// Table is all that the proxy is told at a time: the whole dynamic configuration
// is made of one, and of nothing else. The zero Table routes nothing.
type Table struct {
	Targets []Target // each with a service of its own

	Redirects []Redirect // of whole hosts; no route may be on a host that redirects
	Home      Route      // where "/" leads that no target has; the zero Route is nowhere
	Beacon    Beacon     // how the proxy is told from another; the zero Beacon is silent
	Domains   []Domain   // at most one for each host

	ForceHTTPS bool   // plain requests of every route are sent on to HTTPS
	HTTPSPort  uint16 // where browsers find HTTPS; 0 is 443
	// Pages is the host:port of the handler of pages. It may be empty while no target
	// is in maintenance or unavailable; then no path is redirected to its slash.
	Pages string
	// Unknown has Pages answer what no route takes, in place of the proxy's bare 404.
	Unknown bool
}

// Only returns what the table has for one release of an app, and whether that is
// anything. What is nobody's in particular is left out.
func (t Table) Only(app string, release int64) (Table, bool) {
	for _, target := range t.Targets {
		if target.App == app && target.Release == release {
			t.Targets = []Target{target}
			t.Redirects, t.Home, t.Beacon, t.Unknown = nil, Route{}, Beacon{}, false
			return t, true
		}
	}
	return Table{}, false
}
