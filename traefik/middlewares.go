package traefik

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// forwardedName is the first middleware of all public routers.
var forwardedName = "forwarded-" + hashOf(strings.Join(removedHeaders(), " "))

// removedHeaders never reach an app.
func removedHeaders() []string { return slices.Concat(forwardedHeaders, identityHeaders) }

// forwardedHeaders are headers of a proxy in front of the app that nobody in front of our
// proxy can send. The proxy itself replaces X-Forwarded-For, -Host, -Port, -Prefix,
// -Proto, -Server, -Uri, -Method, -Tls-Client-Cert (and -Info) and X-Real-Ip, and drops
// every header with an underscore.
var forwardedHeaders = []string{
	"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Client-Ip", "Fastly-Client-Ip", "Fly-Client-Ip", "Forwarded", "Forwarded-For",
	"Front-End-Https", "Proxy", "Remote-Addr", "Remote-Host", "Remote-User", "True-Client-Ip", "X-Appengine-User-Ip",
	PageHeader, "X-Client-Ip", "X-Cluster-Client-Ip", "X-Envoy-External-Address", "X-Forwarded",
	"X-Forwarded-Access-Token", "X-Forwarded-By", "X-Forwarded-Client-Cert", "X-Forwarded-Email", "X-Forwarded-Groups",
	"X-Forwarded-Path", "X-Forwarded-Preferred-Username", "X-Forwarded-Protocol", "X-Forwarded-Scheme",
	"X-Forwarded-Ssl", "X-Forwarded-Url", "X-Forwarded-User", "X-Host", "X-Http-Host-Override", "X-Original-Forwarded-For",
	"X-Original-Host", "X-Original-Uri", "X-Original-Url", "X-Originating-Ip", "X-Proxyuser-Ip", "X-Real-Host", "X-Real-Port",
	"X-Remote-Addr", "X-Remote-Ip", "X-Remote-User", "X-Rewrite-Url", "X-Scheme", "X-Url-Scheme",
}

// forwarded removes them: the proxy removes a header that is set to an empty value.
func forwarded() *Middleware {
	remove := make(map[string]string)
	for _, name := range removedHeaders() {
		remove[name] = ""
	}
	return &Middleware{Headers: &Headers{CustomRequestHeaders: remove}}
}

// accessLabels describes the middlewares of the target's Access and returns their
// names in the order of the chain. The cheapest and widest refusals come first, and
// the proxy reads no body before it knows the sender.
//
//  1. headers: they are set on the way back, on refusals too
//  2. forbidden: the page for a refused address, if there are pages
//  3. allow: a refused address learns nothing, not even that there is a password
//  4. rate: before the password, because each password check costs the proxy
//  5. auth: before a body is read
func accessLabels(labels map[string]string, target Target) (chain []string) {
	access := target.Access.Canonical()
	add := func(kind string, content map[string]string) {
		name := target.middleware(kind, content)
		for key, value := range content {
			set(labels, "middlewares."+name+"."+key, value)
		}
		chain = append(chain, name)
	}
	if headers := access.Headers.values(); len(headers) > 0 && target.page() == "" {
		content := make(map[string]string, len(headers))
		for name, value := range headers {
			content["headers.customresponseheaders."+name] = value
		}
		add("headers", content)
	}
	if len(access.Allow) > 0 {
		ranges := make([]string, 0, len(access.Allow))
		for _, prefix := range access.Allow {
			ranges = append(ranges, prefix.String())
		}
		content := map[string]string{"ipallowlist.sourcerange": strings.Join(ranges, ",")}
		if target.Pages != "" {
			add("forbidden", forbiddenContent())
			pagesLabels(labels, target.Pages)
			content["ipallowlist.rejectstatuscode"] = strconv.Itoa(forbiddenMark)
		}
		add("allow", content)
	}
	if rate := access.rate(); rate != (Rate{}) {
		add("rate", rateContent(rate))
	}
	if access.Password {
		users := make([]string, 0, len(access.Users))
		for _, user := range access.Users {
			users = append(users, user.String())
		}
		add("auth", map[string]string{
			"basicauth.users": strings.Join(users, ","), "basicauth.realm": target.App,
			"basicauth.removeheader": "true", // the app does not need it, and might log it
		})
	}
	return chain
}

// rate returns the rate of the app, or guard for an app with passwords and no rate.
func (a Access) rate() Rate {
	if a.Password && a.Rate == (Rate{}) {
		return guard
	}
	return a.Rate
}

func rateContent(rate Rate) map[string]string {
	return map[string]string{
		"ratelimit.average": strconv.FormatInt(rate.Requests, 10),
		"ratelimit.period":  fmt.Sprintf("%ds", int64(rate.Period.Seconds())),
		"ratelimit.burst":   strconv.FormatInt(rate.Burst, 10),
		// By the address of the connection, never by a header.
		"ratelimit.sourcecriterion.ipstrategy.ipv6subnet": "64",
	}
}

// bodyLabels describes the middleware that bounds bodies. A body over memBytes goes to
// the proxy's /tmp, which is in memory too, and bounded.
func bodyLabels(labels map[string]string, target Target) (name string) {
	const memBytes = "262144"
	content := map[string]string{
		"buffering.maxrequestbodybytes":  strconv.FormatInt(target.Access.MaxBodyBytes, 10),
		"buffering.memrequestbodybytes":  memBytes,
		"buffering.memresponsebodybytes": memBytes,
	}
	name = target.middleware("body", content)
	for key, value := range content {
		set(labels, "middlewares."+name+"."+key, value)
	}
	return name
}

// bodyCondition matches the requests that may have a counted body. The answers to other
// requests must not be collected: downloads, streams, web sockets.
const bodyCondition = "(!(Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`)) || HeaderRegexp(`Content-Length`, `[1-9]`))"

// middleware is the name of a middleware of the target. It holds a hash of the content,
// so that a router with this name runs the published content.
func (t Target) middleware(kind string, content map[string]string) string {
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(content)) {
		fmt.Fprintf(&all, "%q=%q\n", key, content[key])
	}
	return t.App + "-" + kind + "-" + hashOf(all.String())
}

// hashOf starts with an x, unlike every other suffix of a name.
func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "x" + hex.EncodeToString(sum[:])[:16]
}
