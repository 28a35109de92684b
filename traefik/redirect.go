package traefik

import (
	"errors"
	"fmt"
	"regexp"
)

// Redirect sends every request for one host to another host, with the same path, query
// and port.
type Redirect struct {
	From, To  Host
	Permanent bool // 301 for GET and 308 for others; otherwise 302 and 307
}

// Beacon is a path of the proxy that tells this proxy from any other server for a host:
// only this proxy knows Token and answers with Answer.
type Beacon struct {
	Token, Answer string // hexadecimal
}

// The path of the beacon, and the header of its answer.
const (
	BeaconFolder = "/.well-known/berth-check/"
	BeaconHeader = "X-Berth-Check"
)

const (
	// noService is the service of a router whose middleware always answers.
	noService = "noop@internal"

	homePriority   = 2       // below every route, and above the routers for unknown addresses
	beaconPriority = 100_000 // above every route
)

var beaconPattern = regexp.MustCompile(`^[0-9a-f]{16,64}$`)

// generateBeside makes the parts without an app: redirects, the way home, the beacon and
// the routers for unknown addresses. Their names have a dot, or have neither number nor
// dot. No app's names are like that.
func generateBeside(table Table) (*Configuration, error) {
	if err := errors.Join(checkRedirects(table), table.Admin.check(table)); err != nil {
		return nil, err
	}
	made := new(Configuration)
	if table.Admin.Host != "" {
		made.add(table.Admin.generate())
	}
	for _, redirect := range table.Redirects {
		made.redirect(string(redirect.From), redirect.From.rule(), Route{Host: redirect.From, Path: "/"}.Priority(), redirect.regex())
	}
	if table.Home != (Route{}) {
		if parsed, err := ParseRoute(table.Home.String()); err != nil || parsed != table.Home {
			return nil, fmt.Errorf("the way home is not valid: %.80q", table.Home.String())
		}
		made.redirect("home", "Path(`/`)", homePriority, homeRegex(table.Home))
	}
	if table.Unknown {
		if err := checkAddress(table.Pages); err != nil {
			return nil, fmt.Errorf("handler of pages: %w", err)
		}
		made.unknown(table.Pages)
		made.refused(table)
	}
	if table.Beacon != (Beacon{}) {
		if !beaconPattern.MatchString(table.Beacon.Token) || !beaconPattern.MatchString(table.Beacon.Answer) {
			return nil, errors.New("the beacon is not hexadecimal")
		}
		made.beacon(table.Beacon)
	}
	return made, nil
}

// checkRedirects refuses redirects that are wrong alone or together: a host that
// redirects twice or also has a route, and a redirect that leads back.
func checkRedirects(table Table) error {
	to := make(map[Host]Host, len(table.Redirects))
	for _, redirect := range table.Redirects {
		for _, host := range []Host{redirect.From, redirect.To} {
			if parsed, err := ParseHost(string(host)); err != nil || parsed != host {
				return fmt.Errorf("redirect has a host that is not valid: %.80q", host)
			}
		}
		if _, twice := to[redirect.From]; twice {
			return fmt.Errorf("%s redirects twice", redirect.From)
		}
		to[redirect.From] = redirect.To
	}
	for _, redirect := range table.Redirects {
		if _, again := FollowRedirects(to, redirect.From); again {
			return fmt.Errorf("the redirect of %s leads back to it", redirect.From)
		}
	}
	for _, target := range table.Targets {
		for _, route := range target.Routes {
			if _, redirects := to[route.Host]; redirects && !target.Proving {
				return fmt.Errorf("route %s of %s is on a host that redirects", route, target.service())
			}
		}
	}
	return nil
}

// FollowRedirects returns the end of the redirects for host, and whether they never end.
func FollowRedirects(to map[Host]Host, host Host) (end Host, loop bool) {
	for range len(to) + 1 {
		next, redirects := to[host]
		if !redirects {
			return host, false
		}
		host = next
	}
	return host, true
}

// regex matches every spelling of a URL of the host that the rule matches. Nobody answers
// a URL that it does not match. The target does not depend on the match.
func (r Redirect) regex() *RedirectRegex {
	return &RedirectRegex{
		Regex:       `^(https?)://(?i:` + regexp.QuoteMeta(string(r.From)) + `)\.?(:[0-9]*)?([/?].*)?$`,
		Replacement: `${1}://` + string(r.To) + `${2}${3}`,
		Permanent:   r.Permanent,
	}
}

// homeRegex leads to a path on the same host without repeating the host, which anybody
// could have sent.
func homeRegex(home Route) *RedirectRegex {
	path := string(home.Path)
	if path != "/" {
		path += "/"
	}
	if home.Host == "" {
		return &RedirectRegex{Regex: `^[^?]*(\?.*)?$`, Replacement: path + `${1}`}
	}
	return &RedirectRegex{
		Regex:       `^(https?)://[^/?]*?(:[0-9]+)?(?:/[^?]*)?(\?.*)?$`,
		Replacement: `${1}://` + string(home.Host) + `${2}` + path + `${3}`,
	}
}

// redirect adds the middleware of that name, and the two routers that use it.
func (c *Configuration) redirect(name, rule string, priority int, regex *RedirectRegex) {
	part := &HTTP{Routers: make(map[string]*Router), Middlewares: map[string]*Middleware{name: {RedirectRegex: regex}}}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := &Router{EntryPoints: []string{entryPoint}, Middlewares: []string{redirected.middlewareName(), name}, Service: noService, Rule: rule, Priority: priority}
		if entryPoint == EntryPointWebsecure {
			router.TLS = new(RouterTLS)
		}
		part.Routers[name+"-"+entryPoint] = router
	}
	c.add(&Configuration{HTTP: part})
}

func (c *Configuration) beacon(beacon Beacon) {
	const name = "beacon"
	c.add(&Configuration{HTTP: &HTTP{
		Routers: map[string]*Router{name: {
			EntryPoints: []string{EntryPointWeb}, Middlewares: []string{EncodedNone.middlewareName(), name}, Service: noService,
			Rule: "Path(`" + BeaconFolder + beacon.Token + "`)", Priority: beaconPriority,
		}},
		Middlewares: map[string]*Middleware{name: {
			Headers: &Headers{CustomResponseHeaders: map[string]string{BeaconHeader: beacon.Answer}},
		}},
	}})
}
