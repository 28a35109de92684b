package traefik

import (
	"errors"
	"fmt"
	"maps"
)

// Configuration is the part of Traefik v3's dynamic configuration that Berth uses. The
// yaml tags are the keys of its files, and the label tags those of its labels.
type Configuration struct {
	HTTP *HTTP `yaml:"http,omitempty"` // nil if there is no route: the proxy refuses an empty section
	TLS  *TLS  `yaml:"tls,omitempty"`  // nil if no host has a certificate of its own

	TCP *TCPSection `yaml:"tcp,omitempty"` // nil if there is no public port over TCP
	UDP *UDPSection `yaml:"udp,omitempty"` // nil if there is no public port over UDP
}

// TLS holds the certificates beside those of the resolvers.
type TLS struct {
	Certificates []Certificate `yaml:"certificates,omitempty"`
}

// Certificate names files by their paths in the proxy's container.
type Certificate struct {
	CertFile string `yaml:"certFile,omitempty"`
	KeyFile  string `yaml:"keyFile,omitempty"`
}

// HTTP holds routers, services and middlewares by name.
type HTTP struct {
	Routers     map[string]*Router     `yaml:"routers,omitempty"`
	Services    map[string]*Service    `yaml:"services,omitempty"`
	Middlewares map[string]*Middleware `yaml:"middlewares,omitempty"`
}

// Router sends matching requests of its entry points to a service. If several routers
// match a request, the highest Priority wins.
type Router struct {
	EntryPoints []string   `yaml:"entryPoints,omitempty"`
	Middlewares []string   `yaml:"middlewares,omitempty"`
	Service     string     `yaml:"service,omitempty"`
	Rule        string     `yaml:"rule,omitempty"`
	Priority    int        `yaml:"priority,omitempty"`
	TLS         *RouterTLS `yaml:"tls,omitempty" label:"allowEmpty"`
}

// RouterTLS makes a router answer only HTTPS. If it is empty, the router uses a
// certificate that covers the host, or the proxy's default.
type RouterTLS struct {
	CertResolver string      `yaml:"certResolver,omitempty"`
	Domains      []TLSDomain `yaml:"domains,omitempty"`
}

// TLSDomain holds the names of one certificate.
type TLSDomain struct {
	Main string   `yaml:"main,omitempty"`
	SANs []string `yaml:"sans,omitempty"`
}

// Service is the destination of a router.
type Service struct {
	LoadBalancer *LoadBalancer `yaml:"loadBalancer,omitempty"`
}

// LoadBalancer spreads requests over servers.
type LoadBalancer struct {
	Servers []Server `yaml:"servers,omitempty" label-slice-as-struct:"server"`
	// PassHostHeader sends the browser's host to the app.
	PassHostHeader bool `yaml:"passHostHeader"`
}

// Server is one instance, by its URL.
type Server struct {
	URL string `yaml:"url,omitempty"`
}

// Middleware changes or refuses a request or its answer. Berth writes only these kinds,
// and each only where it is needed: the proxy's published holes were in other kinds, or
// in other uses of these.
type Middleware struct {
	StripPrefix    *StripPrefix    `yaml:"stripPrefix,omitempty"`
	Headers        *Headers        `yaml:"headers,omitempty"`
	RedirectRegex  *RedirectRegex  `yaml:"redirectRegex,omitempty"`
	RedirectScheme *RedirectScheme `yaml:"redirectScheme,omitempty"`
	IPAllowList    *IPAllowList    `yaml:"ipAllowList,omitempty"`
	RateLimit      *RateLimit      `yaml:"rateLimit,omitempty"`
	BasicAuth      *BasicAuth      `yaml:"basicAuth,omitempty"`
	Buffering      *Buffering      `yaml:"buffering,omitempty"`
	Errors         *Errors         `yaml:"errors,omitempty"`

	EncodedCharacters *EncodedCharacters `yaml:"encodedCharacters,omitempty"`
}

// EncodedCharacters refuses a request with 400 if its path holds an encoded character that
// is not allowed.
type EncodedCharacters struct {
	AllowEncodedSlash        bool `yaml:"allowEncodedSlash"`
	AllowEncodedSemicolon    bool `yaml:"allowEncodedSemicolon"`
	AllowEncodedPercent      bool `yaml:"allowEncodedPercent"`
	AllowEncodedQuestionMark bool `yaml:"allowEncodedQuestionMark"`
	AllowEncodedHash         bool `yaml:"allowEncodedHash"`
}

// Errors replaces an answer with one of these statuses by the page that the service has
// for Query.
type Errors struct {
	Status         []string       `yaml:"status,omitempty"`
	StatusRewrites map[string]int `yaml:"statusRewrites,omitempty"`
	Service        string         `yaml:"service,omitempty"`
	Query          string         `yaml:"query,omitempty"`
	// ErrorRequestHeaders are the client's headers that the service gets.
	ErrorRequestHeaders []string `yaml:"errorRequestHeaders,omitempty"`
}

// RedirectScheme redirects a request to another scheme of the same host.
type RedirectScheme struct {
	Scheme    string `yaml:"scheme,omitempty"`
	Port      string `yaml:"port,omitempty"`
	Permanent bool   `yaml:"permanent,omitempty"`
}

// StripPrefix removes the route's path before the app sees the request. The app finds the
// path in X-Forwarded-Prefix.
type StripPrefix struct {
	Prefixes []string `yaml:"prefixes,omitempty"`
}

// RedirectRegex answers a request with a redirect if its whole URL matches. A GET gets
// 302 or 301. Other requests get 307 or 308, which keep the method.
type RedirectRegex struct {
	Regex       string `yaml:"regex,omitempty"`
	Replacement string `yaml:"replacement,omitempty"`
	Permanent   bool   `yaml:"permanent,omitempty"`
}

// Headers sets headers of the request and of the answer; an empty value removes the
// header.
type Headers struct {
	CustomRequestHeaders  map[string]string `yaml:"customRequestHeaders,omitempty"`
	CustomResponseHeaders map[string]string `yaml:"customResponseHeaders,omitempty"`
}

// IPAllowList admits only requests from these ranges, by the address of the connection
// unless IPStrategy says another;
// other requests get RejectStatusCode, or 403 if it is 0.
type IPAllowList struct {
	SourceRange      []string    `yaml:"sourceRange,omitempty"`
	RejectStatusCode int         `yaml:"rejectStatusCode,omitempty"`
	IPStrategy       *IPStrategy `yaml:"ipStrategy,omitempty"`
}

// RateLimit bounds the requests of each source; more requests get 429.
type RateLimit struct {
	Average         int64            `yaml:"average,omitempty"`
	Period          string           `yaml:"period,omitempty"`
	Burst           int64            `yaml:"burst,omitempty"`
	SourceCriterion *SourceCriterion `yaml:"sourceCriterion,omitempty"`
}

// SourceCriterion defines a source.
type SourceCriterion struct {
	IPStrategy *IPStrategy `yaml:"ipStrategy,omitempty"`
}

// IPStrategy says which address counts, and makes those of an IPv6 subnet one source.
type IPStrategy struct {
	Depth       int      `yaml:"depth,omitempty"`       // from the end of X-Forwarded-For
	ExcludedIPs []string `yaml:"excludedIPs,omitempty"` // the last one in X-Forwarded-For that is none of these
	IPv6Subnet  int      `yaml:"ipv6Subnet,omitempty"`
}

// BasicAuth requires a name and a password.
type BasicAuth struct {
	Users        []string `yaml:"users,omitempty"` // name:hash; the Publisher replaces them by UsersFile
	UsersFile    string   `yaml:"usersFile,omitempty" label:"-"`
	Realm        string   `yaml:"realm,omitempty"`
	RemoveHeader bool     `yaml:"removeHeader,omitempty"`
}

// Buffering reads the whole body before the app sees the request, and refuses a too large
// body with 413.
type Buffering struct {
	MaxRequestBodyBytes  int64 `yaml:"maxRequestBodyBytes,omitempty"`
	MemRequestBodyBytes  int64 `yaml:"memRequestBodyBytes,omitempty"`
	MemResponseBodyBytes int64 `yaml:"memResponseBodyBytes,omitempty"`
}

// Generate makes the whole dynamic configuration of table, in the same way as from the
// labels of a container. It refuses invalid targets, and two claims to one route. The
// order of the table does not matter.
func Generate(table Table) (*Configuration, error) {
	if err := errors.Join(checkAll(table), checkDomains(table.Domains), checkTrusted(table.TrustedProxies)); err != nil {
		return nil, fmt.Errorf("generate configuration: %w", err)
	}
	whole, err := generateBeside(table)
	if err != nil {
		return nil, fmt.Errorf("generate configuration: %w", err)
	}
	for _, target := range table.Targets {
		target.Pages = table.Pages
		labels := Labels(target)
		if len(labels) == 0 {
			continue // It admits nobody and does not run.
		}
		part, err := Decode(labels)
		if err != nil {
			return nil, fmt.Errorf("generate configuration of %s: %w", target.service(), err)
		}
		whole.add(part)
	}
	table.secure(whole)
	if err := whole.addForwards(table.Forwards); err != nil {
		return nil, fmt.Errorf("generate configuration: %w", err)
	}
	whole.addCommon()
	whole.addProxied(table.TrustedProxies)
	return whole, nil
}

// addCommon adds the middlewares that public routers share, if one has them. They are the
// same for all apps, so no label describes them.
func (c *Configuration) addCommon() {
	if c.HTTP == nil {
		return
	}
	common := map[string]*Middleware{forwardedName: forwarded()}
	for _, choice := range []EncodedPaths{EncodedNone, EncodedNames, EncodedSlash} {
		common[choice.middlewareName()] = choice.middleware()
	}
	for _, router := range c.HTTP.Routers {
		if router == nil {
			continue
		}
		for _, name := range router.Middlewares {
			if shared := common[name]; shared != nil {
				c.HTTP.Middlewares = merge(c.HTTP.Middlewares, map[string]*Middleware{name: shared})
			}
		}
	}
}

func (c *Configuration) add(part *Configuration) {
	if part.HTTP == nil {
		return
	}
	if c.HTTP == nil {
		c.HTTP = new(HTTP)
	}
	c.HTTP.Routers = merge(c.HTTP.Routers, part.HTTP.Routers)
	c.HTTP.Services = merge(c.HTTP.Services, part.HTTP.Services)
	c.HTTP.Middlewares = merge(c.HTTP.Middlewares, part.HTTP.Middlewares)
}

// merge keeps empty maps nil, as they are after reading a file.
func merge[V any](whole, part map[string]V) map[string]V {
	if whole == nil && len(part) > 0 {
		whole = make(map[string]V, len(part))
	}
	maps.Copy(whole, part)
	return whole
}
