package traefik

import (
	"errors"
	"fmt"
	"maps"
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

// releaseHeader is set by the verify router on every answer, so that a probe can
// tell an instance's 404 from the proxy's own.
const releaseHeader = "X-Berth-Release"

// Labels gives the traefik.* labels that say all about where target answers.
// Decode makes the same configuration from them, wherever they were kept.
func Labels(target Target) map[string]string {
	labels := make(map[string]string)
	service := "services." + target.service() + ".loadbalancer."
	set(labels, service+"server.url", "http://"+target.Address)
	set(labels, service+"passhostheader", "true")
	if target.Proving {
		maps.Copy(labels, provingLabels(target))
		return labels
	}
	for place, route := range target.sortedRoutes() {
		maps.Copy(labels, routeLabels(target, route, target.routerBase(place)))
	}
	return labels
}

// routeLabels makes two routers, because one with a TLS section answers HTTPS only.
func routeLabels(target Target, route Route, base string) map[string]string {
	labels := make(map[string]string)
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := "routers." + base + "-" + entryPoint + "."
		set(labels, router+"entrypoints", entryPoint)
		set(labels, router+"rule", route.Rule())
		set(labels, router+"priority", strconv.Itoa(route.Priority()))
		set(labels, router+"service", target.service())
		if route.Path != "/" {
			set(labels, router+"middlewares", base)
		}
		if entryPoint == EntryPointWebsecure {
			set(labels, router+"tls", "true")
		}
	}
	if route.Path != "/" {
		set(labels, "middlewares."+base+".stripprefix.prefixes", string(route.Path))
	}
	return labels
}

func provingLabels(target Target) map[string]string {
	labels := make(map[string]string)
	name := target.service() + "-" + EntryPointVerify
	router := "routers." + name + "."
	set(labels, router+"entrypoints", EntryPointVerify)
	set(labels, router+"rule", Host(VerifyHost(target.App, target.Release)).rule())
	set(labels, router+"service", target.service())
	set(labels, router+"middlewares", name)
	set(labels, "middlewares."+name+".headers.customresponseheaders."+releaseHeader, target.service())
	return labels
}

func set(labels map[string]string, key, value string) { labels[labelPrefix+key] = value }

// Decode makes the dynamic configuration that labels describe. Labels outside
// traefik.* are passed over; one inside that Berth does not write is an error.
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
	return configuration, nil
}

// isProxyLabel is deaf to case, as the proxy is.
func isProxyLabel(key string) bool {
	root, _, _ := strings.Cut(key, ".")
	return strings.EqualFold(root, labelRoot)
}

// isOurKey refuses empty parts, and brackets, on which paerser panics where they
// do not pair.
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
