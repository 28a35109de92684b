package traefik

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Every route with a host comes before every route without one: the owner of a domain
// gets all of it, and /sample on any host means any host that nobody claimed. The step is
// more than the longest path can add. In between are wildcards, so a host that somebody
// named wins over every wildcard that covers it.
const (
	basePriority     = 100
	wildcardPriority = 5_000
	hostPriority     = 10_000
)

// Route is the place where an app answers: a path on one host, or on any host if Host is
// empty. It is comparable; ParseRoute makes it. The zero Route claims nothing.
type Route struct {
	Host Host
	Path Path
}

// ParseRoute returns the route that s names: "/path" on any host, "host", or "host/path". A
// host may be a wildcard, as ParseAppHost accepts it.
// The error is an *InvalidError.
func ParseRoute(s string) (Route, error) {
	if len(s) > maxHostBytes+maxPathBytes {
		return Route{}, &InvalidError{
			Value:  s,
			Reason: fmt.Sprintf("The route has %d characters, and %d is the most.", len(s), maxHostBytes+maxPathBytes),
			Hint:   "Write a path such as /app, or a domain such as app.example.com.",
		}
	}
	if strings.Contains(s, "://") {
		return Route{}, &InvalidError{
			Value:  s,
			Reason: "The route starts with a scheme.",
			Hint:   "Leave off everything up to ://, as in app.example.com/shop.",
		}
	}
	if s != "" && !strings.HasPrefix(s, "/") {
		return parseHostRoute(s)
	}
	path, err := ParsePath(s)
	if err != nil {
		return Route{}, err
	}
	return Route{Path: path}, nil
}

// parseHostRoute reads "host" or "host/path".
func parseHostRoute(s string) (Route, error) {
	name, rest, hasPath := strings.Cut(s, "/")
	if path, err := ParsePath("/" + s); err == nil && !strings.Contains(name, ".") {
		return Route{}, &InvalidError{
			Value:  s,
			Reason: "The route starts with neither a slash nor a full domain.",
			Hint:   "Write " + string(path) + " for a path, or a domain such as app.example.com.",
		}
	}
	host, err := ParseAppHost(name)
	if err != nil {
		return Route{}, err
	}
	if !hasPath {
		return Route{Host: host, Path: "/"}, nil
	}
	path, err := ParsePath("/" + rest)
	if err != nil {
		return Route{}, err
	}
	return Route{Host: host, Path: path}, nil
}

// String returns the form that ParseRoute reads: /path, host or host/path.
func (r Route) String() string {
	if r.Host != "" && r.Path == "/" {
		return string(r.Host)
	}
	return string(r.Host) + string(r.Path)
}

// Rule is the proxy's rule for r. It matches a path as a whole or up to a slash, because
// the proxy's PathPrefix compares only characters: /app would also match /apple.
func (r Route) Rule() string {
	switch {
	case r.Host == "":
		return r.Path.rule()
	case r.Path == "/":
		return r.Host.rule()
	default:
		return r.Host.rule() + " && (" + r.Path.rule() + ")"
	}
}

// Priority is 100, plus 10 for each segment of the path and 1 for each of its characters,
// plus 10,000 if there is a host, or 5,000 if it is a wildcard. The highest matching
// priority wins.
func (r Route) Priority() int {
	priority := basePriority + 10*r.Path.segments() + len(r.Path)
	switch {
	case r.Host.IsWildcard():
		priority += wildcardPriority
	case r.Host != "":
		priority += hostPriority
	}
	return priority
}

// Equal reports whether r and other claim the same place.
func (r Route) Equal(other Route) bool { return r == other }

// Overlaps reports whether some request matches both routes. The route with the higher
// Priority gets it.
func (r Route) Overlaps(other Route) bool {
	if r.Host != "" && other.Host != "" && r.Host != other.Host && !r.Host.Matches(other.Host) && !other.Host.Matches(r.Host) {
		return false
	}
	return r.Path.Within(other.Path) || other.Path.Within(r.Path)
}

// URL is the address of r in a browser. The scheme and port are those of base, the
// proxy's public address; so is the host if r answers on any. The path ends in a slash,
// so that an app's relative links stay below it.
func (r Route) URL(base *url.URL) *url.URL {
	result := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: string(r.Path)}
	if r.Host != "" {
		host := string(r.Host)
		if parent, wildcard := r.Host.Parent(); wildcard {
			host = "www." + string(parent) // a link needs one of the hosts
		}
		result.Host = host
		if port := base.Port(); port != "" {
			result.Host = net.JoinHostPort(host, port)
		}
	}
	if !strings.HasSuffix(result.Path, "/") {
		result.Path += "/"
	}
	return result
}

func (h Host) rule() string {
	if parent, wildcard := h.Parent(); wildcard {
		return wildcardRule(parent)
	}
	return "Host(`" + string(h) + "`)"
}

func (p Path) rule() string {
	if p == "/" {
		return "PathPrefix(`/`)"
	}
	return "Path(`" + string(p) + "`) || PathPrefix(`" + string(p) + "/`)"
}
