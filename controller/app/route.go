package app

// ReservedPaths belong to Berth and to certificate challenges. They are refused
// on a route without a host, where they could stand in for Berth's own pages.
var ReservedPaths = []string{
	"/admin", "/login", "/logout", "/upload", "/static", "/traefik", "/volumes",
	"/settings", "/healthz", "/.well-known/acme-challenge",
}
