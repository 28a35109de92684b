package traefik

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/traefik/paerser/parser"
)

const (
	labelRoot   = "traefik"
	labelPrefix = "traefik.http."

	maxLabelKeyBytes   = 200
	labelKeyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
)

// releaseHeader is set by the verify router on every answer, so that a probe can tell an
// instance's 404 from the proxy's own.
const releaseHeader = "X-Berth-Release"

// Labels returns the traefik.* labels that describe all routes of target. Decode makes
// the same configuration from them, wherever they were stored.
func Labels(target Target) map[string]string {
	labels := make(map[string]string)
	for _, part := range target.parts() {
		if part.Proving || !part.Unavailable {
			service := "services." + part.service() + ".loadbalancer."
			set(labels, service+"server.url", part.Scheme.String()+"://"+part.Address)
			set(labels, service+"passhostheader", "true")
		}
		if part.Proving {
			maps.Copy(labels, provingLabels(part))
		}
	}
	if target.redirects() {
		target.Access = Access{}
	}
	if target.Proving || target.Access.Closed() {
		return labels
	}
	for place, route := range target.sortedRoutes() {
		part := target.At(route)
		maps.Copy(labels, routeLabels(part, route, target.routerBase(place), chainLabels(labels, part)))
	}
	return labels
}

// chainLabels describes the middlewares that all routes of a target begin with, and
// returns their names.
func chainLabels(labels map[string]string, target Target) []string {
	chain := append([]string{forwardedName, target.encodedPaths().middlewareName()}, accessLabels(labels, target)...)
	if page := target.page(); page != "" && !target.redirects() {
		chain = append(chain, pageLabels(labels, target, "page", page))
		pagesLabels(labels, target.Pages)
	}
	return chain
}

// routeLabels makes two routers, because a router with a TLS section answers only HTTPS.
// It makes two more if bodies are bounded, and two above these for the path without its
// slash. Each router's middlewares begin with chain and end with the prefix, so that all
// others see the requested path.
func routeLabels(target Target, route Route, base string, chain []string) map[string]string {
	labels := make(map[string]string)
	var strip []string
	if route.Path != "/" && target.page() == "" {
		strip = []string{base}
		set(labels, "middlewares."+base+".stripprefix.prefixes", string(route.Path))
	}
	if target.redirects() {
		strip = []string{movedLabels(labels, target, route)}
	}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		name := base + "-" + entryPoint
		router := routerOf{route.Rule(), route.Priority(), entryPoint, target.routed(), slices.Concat(chain, strip)}
		router.labels(labels, name)
		if target.Access.MaxBodyBytes > 0 && target.page() == "" {
			router.rule, router.priority = "("+router.rule+") && "+bodyCondition, router.priority+1
			router.chain = slices.Concat(chain, []string{bodyLabels(labels, target)}, strip)
			router.labels(labels, name+bodySuffix)
		}
		if target.redirectsToSlash(route) {
			slash := pageLabels(labels, target, "slash", PageSlash)
			router = routerOf{route.slashRule(), route.Priority() + 2, entryPoint, pagesService, append(slices.Clone(chain), slash)}
			router.labels(labels, name+slashSuffix)
			pagesLabels(labels, target.Pages)
		}
	}
	return labels
}

// bodySuffix ends the names of routers that bound bodies.
const bodySuffix = "-body"

// routerSuffixes end the names of all routers of a route on one entry point.
var routerSuffixes = []string{"", bodySuffix, slashSuffix}

// routerOf is one public router.
type routerOf struct {
	rule                string
	priority            int
	entryPoint, service string
	chain               []string
}

func (r routerOf) labels(labels map[string]string, name string) {
	router := "routers." + name + "."
	set(labels, router+"entrypoints", r.entryPoint)
	set(labels, router+"rule", r.rule)
	set(labels, router+"priority", strconv.Itoa(r.priority))
	set(labels, router+"service", r.service)
	set(labels, router+"middlewares", strings.Join(r.chain, ","))
	if r.entryPoint == EntryPointWebsecure {
		set(labels, router+"tls", "true")
	}
}

func provingLabels(target Target) map[string]string {
	labels := make(map[string]string)
	name := target.service() + "-" + EntryPointVerify
	router := "routers." + name + "."
	set(labels, router+"entrypoints", EntryPointVerify)
	set(labels, router+"rule", Host(target.verifyHost()).rule())
	set(labels, router+"service", target.service())
	set(labels, router+"middlewares", verifyGuard+","+name)
	set(labels, "middlewares."+name+".headers.customresponseheaders."+releaseHeader, target.service())
	return labels
}

func set(labels map[string]string, key, value string) { labels[labelPrefix+key] = value }

// Decode makes the dynamic configuration that labels describe. It ignores labels outside
// traefik.*. A label inside it that Berth does not write is an error.
func Decode(labels map[string]string) (*Configuration, error) {
	ours := make(map[string]string, len(labels))
	for key, value := range labels {
		if !isProxyLabel(key) {
			continue
		}
		if !isOurKey(key) {
			return nil, fmt.Errorf("decode labels: label %.120q is not one of Berth's", key)
		}
		ours[key] = value
	}
	if len(ours) == 0 {
		return nil, errors.New("decode labels: there is no " + labelPrefix + "* label")
	}
	configuration := new(Configuration)
	if err := parser.Decode(ours, configuration, labelRoot); err != nil {
		return nil, fmt.Errorf("decode labels: %w", err)
	}
	configuration.addCommon()
	return configuration, nil
}

// isProxyLabel ignores case, like the proxy.
func isProxyLabel(key string) bool {
	root, _, _ := strings.Cut(key, ".")
	return strings.EqualFold(root, labelRoot)
}

// isOurKey refuses empty parts, and brackets: paerser panics on unpaired brackets.
func isOurKey(key string) bool {
	rest, found := strings.CutPrefix(key, labelPrefix)
	if !found || len(key) > maxLabelKeyBytes {
		return false
	}
	for part := range strings.SplitSeq(rest, ".") {
		if part == "" || strings.Trim(part, labelKeyCharacters) != "" {
			return false
		}
	}
	return true
}
