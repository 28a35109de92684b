package traefik

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// PageHeader tells the handler of pages which page to answer: one of the values below, or
// a result of EncodeMaintenance. The proxy sets the header and removes a client's, so the
// handler stores nothing.
const PageHeader = "X-Berth-Page"

// The values of PageHeader.
const (
	PageUnknown     = "unknown"     // no route takes the request: 404
	PageUnavailable = "unavailable" // the app is stopped, or was never live: 503
	PageReplaced    = "replaced"    // a new release is about to take the app's place: 503, for moments
	PageSlash       = "slash"       // the same path with a final slash: 308
	PageEncoded     = "encoded"     // the path holds an encoded character that is refused: 400
)

// ForbiddenPath is what the proxy asks the handler of pages, without a PageHeader, for the
// page of an address that an app does not admit: 403.
const ForbiddenPath = "/.berth/forbidden"

const (
	pagesService = "pages" // the service of the handler of pages
	slashSuffix  = "-slash"

	// unknownName names the routers for requests without a route, and their middleware.
	unknownName     = "unknown"
	unknownPriority = 1
)

// EncodeMaintenance returns the value of PageHeader for the maintenance page with a text.
func EncodeMaintenance(text string) string {
	return "t" + base64.StdEncoding.EncodeToString([]byte(text))
}

// DecodeMaintenance returns the text; empty for any other value.
func DecodeMaintenance(value string) string {
	encoded, found := strings.CutPrefix(value, "t")
	text, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(text) > maxMaintenanceBytes || !utf8.Valid(text) {
		return ""
	}
	return string(text)
}

// page is the value of PageHeader if a page answers in place of the target; empty if the
// target answers.
func (t Target) page() string {
	switch {
	case t.Proving:
		return ""
	case t.Access.Maintenance.On:
		return EncodeMaintenance(t.Access.Maintenance.Text)
	case t.Unavailable:
		return PageUnavailable
	case t.Replaced:
		return PageReplaced
	default:
		return ""
	}
}

// redirectsToSlash reports whether the route's own path without a final slash redirects
// to the path with it. Only below the slash do relative links stay in the app.
func (t Target) redirectsToSlash(route Route) bool {
	return route.Path != "/" && t.Pages != "" && t.page() == "" && !t.Access.NoSlashRedirect
}

// slashRule matches only requests that can follow a redirect: a form is not sent twice,
// and web sockets do not follow redirects.
func (r Route) slashRule() string {
	rule := "Path(`" + string(r.Path) + "`) && (Method(`GET`) || Method(`HEAD`)) && !HeaderRegexp(`Upgrade`, `(?i)websocket`)"
	if r.Host != "" {
		rule = r.Host.rule() + " && " + rule
	}
	return rule
}

// pageLabels describes the middleware that asks the handler for a page, and returns
// its name.
func pageLabels(labels map[string]string, target Target, kind, page string) (name string) {
	content := map[string]string{"headers.customrequestheaders." + PageHeader: page}
	name = target.middleware(kind, content)
	for key, value := range content {
		set(labels, "middlewares."+name+"."+key, value)
	}
	return name
}

func pagesLabels(labels map[string]string, address string) {
	service := "services." + pagesService + ".loadbalancer."
	set(labels, service+"server.url", "http://"+address)
	set(labels, service+"passhostheader", "true")
}

// unknown sends requests without a route to the handler of pages.
func (c *Configuration) unknown(pages string) {
	part := &HTTP{
		Routers: make(map[string]*Router),
		Services: map[string]*Service{pagesService: {LoadBalancer: &LoadBalancer{
			Servers: []Server{{URL: "http://" + pages}}, PassHostHeader: true,
		}}},
		Middlewares: map[string]*Middleware{
			forwardedName: forwarded(),
			unknownName:   {Headers: &Headers{CustomRequestHeaders: map[string]string{PageHeader: PageUnknown}}},
		},
	}
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := &Router{
			EntryPoints: []string{entryPoint}, Middlewares: []string{forwardedName, EncodedNone.middlewareName(), unknownName}, Service: pagesService,
			Rule: Path("/").rule(), Priority: unknownPriority,
		}
		if entryPoint == EntryPointWebsecure {
			router.TLS = new(RouterTLS)
		}
		part.Routers[unknownName+"-"+entryPoint] = router
	}
	c.add(&Configuration{HTTP: part})
}
