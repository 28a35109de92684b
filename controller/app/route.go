package app

// ReservedPaths belong to Berth and to certificate challenges. A route without a host
// cannot have them, because it could stand in for Berth's own pages.
var ReservedPaths = []string{
	"/admin", "/login", "/logout", "/upload", "/static", "/traefik", "/volumes",
	"/settings", "/healthz", "/.well-known/acme-challenge",
}
