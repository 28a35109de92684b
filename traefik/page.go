package traefik

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// PageHeader tells the handler of pages what to answer: one of the values below, or
// what EncodeMaintenance gives. The proxy sets it, and takes off whatever a client
// sends under this name; so the handler keeps nothing.
const PageHeader = "X-Berth-Page"

// The values of PageHeader.
const (
	PageUnknown     = "unknown"     // no route takes the request: 404
	PageUnavailable = "unavailable" // the app is stopped, or was never live: 503
	PageSlash       = "slash"       // the same path with a slash behind it: 308
)

const (
	pagesService = "pages" // of all that the handler of pages answers
	slashSuffix  = "-slash"

	// unknownName is of the routers that take what no route does, and of their middleware.
	unknownName     = "unknown"
	unknownPriority = 1
)

// EncodeMaintenance is the value of PageHeader for the maintenance page with a text.
func EncodeMaintenance(text string) string {
	return "t" + base64.StdEncoding.EncodeToString([]byte(text))
}

// DecodeMaintenance gives the text back; what is none gives no text.
func DecodeMaintenance(value string) string {
	encoded, found := strings.CutPrefix(value, "t")
	text, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(text) > maxMaintenanceBytes || !utf8.Valid(text) {
		return ""
	}
	return string(text)
}

// page is the value of PageHeader where a page stands in the target's place; empty
// where the target itself answers.
func (t Target) page() string {
	switch {
	case t.Proving:
		return ""
	case t.Access.Maintenance.On:
		return EncodeMaintenance(t.Access.Maintenance.Text)
	case t.Unavailable:
		return PageUnavailable
	default:
		return ""
	}
}

// redirectsToSlash reports whether the route's own path, asked for without a slash,
// is answered with the way to the one that has it: below a path, relative links lead
// to the app only from there.
func (t Target) redirectsToSlash(route Route) bool {
	return route.Path != "/" && t.Pages != "" && t.page() == "" && !t.Access.NoSlashRedirect
}

// slashRule takes only what can follow: no form is sent twice, and web sockets do not
// follow redirects.
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

// unknown takes what no route does to the handler of pages.
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
			EntryPoints: []string{entryPoint}, Middlewares: []string{forwardedName, unknownName}, Service: pagesService,
			Rule: Path("/").rule(), Priority: unknownPriority,
		}
		if entryPoint == EntryPointWebsecure {
			router.TLS = new(RouterTLS)
		}
		part.Routers[unknownName+"-"+entryPoint] = router
	}
	c.add(&Configuration{HTTP: part})
}
