package traefik

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
)

// Target is one release of an app, with its address for the proxy.
type Target struct {
	App     string // as app.ParseName accepts it
	Release int64  // from 1; 0 for an app that was never live, which is Unavailable
	Routes  []Route
	Address string // host:port on the app's network, with a name, because IP addresses change at a restart; empty with Release 0
	Scheme  Scheme // what the app speaks at Address
	// Leads are the addresses of the routes that do not lead to Address. If the address of
	// a route is empty, nobody answers there, and a page says so.
	Leads map[Route]string
	// Proving targets answer only on the verify entry point, under VerifyHost. Their
	// Routes stay with their present owners.
	Proving bool
	Access  Access // to its Routes; it does not apply to the verify entry point
	// Unavailable shows a page in place of the app, behind its Access: the app is
	// stopped, or was never live.
	Unavailable bool
	// Moved is where the app has moved to, as ParseMoved accepts it: a target that is
	// Unavailable redirects there in place of the page, without its Access, which holds there.
	// A path alone is one of the same host, as for the former path of an app that was renamed.
	Moved string
	// Replaced shows a page in place of the app, behind its Access: it is back in a moment.
	Replaced bool
	// Site says that Berth's own server for static sites answers, which takes every
	// character of a path for a character of a file's name.
	Site bool
	// Pages is the address of the handler of pages; Generate sets it from the table.
	Pages string

	lead string // tells a part of the target from the others; empty where Address is its own
}

var (
	appPattern         = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	addressHostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// VerifyHost is the host of a release under verification, on the verify entry point only.
// ParseHost refuses it, so no app can claim it.
func VerifyHost(app string, release int64) string {
	return "r" + strconv.FormatInt(release, 10) + "." + app + "." + verifyDomain
}

// verifyHost is VerifyHost for a part of the target.
func (t Target) verifyHost() string {
	host := VerifyHost(t.App, t.Release)
	if t.lead != "" {
		host = t.lead + "." + host
	}
	return host
}

// check refuses values that their parsers would have refused: a target may come from rows
// or labels that a stranger wrote.
func (t Target) check() error {
	if !appPattern.MatchString(t.App) {
		return fmt.Errorf("target %.60q has no valid app name", t.App)
	}
	neverLive := t.Unavailable && !t.Proving && t.Release == 0 && t.Address == ""
	if t.Release < 1 && !neverLive {
		return fmt.Errorf("target %s has release %d, and the first is 1", t.App, t.Release)
	}
	if err := checkAddress(t.Address); err != nil && !neverLive {
		return fmt.Errorf("target %s: %w", t.service(), err)
	}
	if err := cmp.Or(t.Scheme.check(), t.checkAccess(), t.checkLeads(), t.checkMoved()); err != nil {
		return fmt.Errorf("target %s: %w", t.service(), err)
	}
	if len(t.Routes) == 0 && !t.Proving {
		return fmt.Errorf("target %s has no route", t.service())
	}
	for _, route := range t.Routes {
		if parsed, err := ParseRoute(route.String()); err != nil || parsed != route {
			return fmt.Errorf("target %s has a route that is not valid: %.80q", t.service(), route.String())
		}
	}
	return nil
}

func (t Target) checkAccess() error {
	if t.page() != "" || t.Pages != "" {
		if err := checkAddress(t.Pages); err != nil {
			return fmt.Errorf("handler of pages: %w", err)
		}
	}
	return t.Access.Check()
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("split address %.80q: %w", address, err)
	}
	if !addressHostPattern.MatchString(host) {
		return fmt.Errorf("address %.80q has no valid host", address)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 || strconv.FormatUint(number, 10) != port {
		return fmt.Errorf("address %.80q has no valid port", address)
	}
	return nil
}

// checkAll also refuses targets that are wrong only together: the proxy would silently
// accept two claims to one route.
func checkAll(table Table) error {
	owners := make(map[Route]string, len(table.Targets))
	services := make(map[string]bool, len(table.Targets))
	for _, target := range table.Targets {
		target.Pages = table.Pages
		if err := target.check(); err != nil {
			return err
		}
		if services[target.service()] {
			return errors.New("target " + target.service() + " is there twice")
		}
		services[target.service()] = true
		if target.Proving {
			continue
		}
		for _, route := range target.Routes {
			if owner, taken := owners[route]; taken {
				return fmt.Errorf("route %s is claimed by %s and %s", route, owner, target.service())
			}
			owners[route] = target.service()
		}
	}
	return nil
}

// The names below contain the app's name but cannot collide. Each ends in its own kind of
// suffix, and the app's name is before the suffix.

// service is the name of the target's service, such as hello-r3. It changes with each
// release, so a router that shows it has switched. For another address, a hash of that
// follows.
func (t Target) service() string {
	name := t.App + "-r" + strconv.FormatInt(t.Release, 10)
	if t.lead != "" {
		name += "-" + t.lead
	}
	return name
}

// routed is the service for the target's routes.
func (t Target) routed() string {
	if t.redirects() {
		return noService
	}
	if t.page() != "" {
		return pagesService
	}
	return t.service()
}

// routerBase begins the names of a route's routers, by the route's place among the sorted
// routes. A redirect by the former name of the app is a target beside that of the app: no name
// of an app has a capital letter.
func (t Target) routerBase(place int) string {
	if t.Release == 0 && t.Moved != "" {
		return t.App + "-F" + strconv.Itoa(place)
	}
	return t.App + "-" + strconv.Itoa(place)
}

func (t Target) sortedRoutes() []Route {
	return slices.SortedFunc(slices.Values(t.Routes), func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path))
	})
}
