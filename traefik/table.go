package traefik

// Table is all that the proxy is told at a time: the whole dynamic configuration
// is made of one, and of nothing else. The zero Table routes nothing.
type Table struct {
	Targets []Target // each with a service of its own
	// Maintenance is the host:port of the handler of maintenance pages; it may be
	// empty while no target is in maintenance.
	Maintenance string
}

// Only returns what the table has for one release of an app, and whether that is
// anything.
func (t Table) Only(app string, release int64) (Table, bool) {
	for _, target := range t.Targets {
		if target.App == app && target.Release == release {
			t.Targets = []Target{target}
			return t, true
		}
	}
	return Table{}, false
}
