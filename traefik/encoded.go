package traefik

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// EncodedPaths says which reserved characters may stand encoded in the path of a request
// to an app. Letters, spaces, plus signs and other scripts always may.
type EncodedPaths string

// The choices. An encoded backslash and the zero byte never reach an app: programs take
// one for a slash and the other for the end of the path.
const (
	EncodedAuto  EncodedPaths = ""      // EncodedNames for a static site, and EncodedNone for any other app
	EncodedNone  EncodedPaths = "none"  // no reserved character
	EncodedNames EncodedPaths = "names" // %23, %25, %3B and %3F, as names of files have them
	EncodedSlash EncodedPaths = "slash" // these and %2F, which some programs take for a slash that separates
)

func (e EncodedPaths) check() error {
	if !slices.Contains([]EncodedPaths{EncodedAuto, EncodedNone, EncodedNames, EncodedSlash}, e) {
		return fmt.Errorf("%.20q is no choice of encoded characters", string(e))
	}
	return nil
}

// encodedPaths is the choice that holds for the target; never EncodedAuto.
func (t Target) encodedPaths() EncodedPaths {
	switch {
	case t.Access.EncodedPaths != EncodedAuto:
		return t.Access.EncodedPaths
	case t.Site:
		return EncodedNames
	default:
		return EncodedNone
	}
}

// middleware refuses with 400 what the choice does not let through. Every public router
// has one: the entry points let through all that some app may get.
func (e EncodedPaths) middleware() *Middleware {
	names := e == EncodedNames || e == EncodedSlash
	return &Middleware{EncodedCharacters: &EncodedCharacters{
		AllowEncodedSlash: e == EncodedSlash, AllowEncodedSemicolon: names, AllowEncodedPercent: names,
		AllowEncodedQuestionMark: names, AllowEncodedHash: names,
	}}
}

// redirected is the choice of a redirect, which sends the path on as it is.
const redirected = EncodedSlash

// middlewareName holds a hash of the content, as those of apps do.
func (e EncodedPaths) middlewareName() string {
	return "paths-" + hashOf(fmt.Sprintf("%+v", *e.middleware().EncodedCharacters))
}

// The characters in the proxy's own spelling of a path.
const (
	encodedNamesPattern = `%(23|25|3B|3F)`
	encodedSlashPattern = `%2F`
)

// refusedRule matches the requests whose path holds a character that their app does not
// let through, and those without an app. It only chooses the page: the middlewares
// refuse without it.
func (t Table) refusedRule() string {
	return "(" + t.refusedBy(encodedNamesPattern, EncodedNames, EncodedSlash) + ") || (" +
		t.refusedBy(encodedSlashPattern, EncodedSlash) + ")"
}

// refusedBy matches the pattern outside of the routes that have one of the choices.
func (t Table) refusedBy(pattern string, choices ...EncodedPaths) string {
	rule := "PathRegexp(`" + pattern + "`)"
	var taken []string
	served := t.served()
	for _, owned := range served {
		if slices.Contains(choices, owned.encoded) {
			taken = append(taken, owned.alone(served, choices))
		}
	}
	if len(taken) == 0 {
		return rule
	}
	return rule + " && !(" + strings.Join(taken, " || ") + ")"
}

// servedRoute is a route of an app that answers, or all of a host that redirects.
type servedRoute struct {
	Route
	priority int
	encoded  EncodedPaths
}

func (t Table) served() (served []servedRoute) {
	for _, target := range t.Targets {
		if target.Proving || target.Access.Closed() {
			continue
		}
		for _, route := range target.Routes {
			served = append(served, servedRoute{route, route.Priority(), target.encodedPaths()})
		}
	}
	for _, redirect := range t.Redirects {
		route := Route{Host: redirect.From, Path: "/"}
		served = append(served, servedRoute{route, route.Priority(), redirected})
	}
	slices.SortFunc(served, func(a, b servedRoute) int { return strings.Compare(a.String(), b.String()) })
	return served
}

// alone is the rule of the route without the routes above it that have another choice.
func (r servedRoute) alone(all []servedRoute, choices []EncodedPaths) string {
	var others []string
	for _, other := range all {
		if other.priority > r.priority && !slices.Contains(choices, other.encoded) && other.Overlaps(r.Route) {
			others = append(others, "("+other.Rule()+")")
		}
	}
	if len(others) == 0 {
		return "(" + r.Rule() + ")"
	}
	return "((" + r.Rule() + ") && !(" + strings.Join(others, " || ") + "))"
}

const (
	refusedName     = "refused"
	refusedPriority = beaconPriority - 1 // above every route, and below the beacon
)

// refused shows a page for the requests of refusedRule.
func (c *Configuration) refused(t Table) {
	const name = refusedName
	rule := t.refusedRule()
	page := &Middleware{Headers: &Headers{CustomRequestHeaders: map[string]string{PageHeader: PageEncoded}}}
	part := &HTTP{Routers: make(map[string]*Router), Middlewares: map[string]*Middleware{name: page}}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := &Router{
			EntryPoints: []string{entryPoint}, Middlewares: []string{forwardedName, name}, Service: pagesService,
			Rule: rule, Priority: refusedPriority,
		}
		if entryPoint == EntryPointWebsecure {
			router.TLS = new(RouterTLS)
		}
		part.Routers[name+"-"+entryPoint] = router
	}
	c.add(&Configuration{HTTP: part})
}

// forbiddenMark is the status of a refused address before it becomes 403. The proxy takes
// only a status that has a name. This one is historic, so that the page replaces no app's
// own answer.
const forbiddenMark = http.StatusNotExtended

// forbiddenContent shows the page of a refused address in place of the proxy's one word.
func forbiddenContent() map[string]string {
	mark := strconv.Itoa(forbiddenMark)
	return map[string]string{
		"errors.status": mark, "errors.service": pagesService, "errors.query": ForbiddenPath,
		"errors.statusrewrites." + mark: "403",
		// Neither cookies nor passwords are the handler's concern.
		"errors.errorrequestheaders": "Accept",
	}
}
