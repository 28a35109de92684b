package broker

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// call is one request of the controller, taken apart. Only what is in it is sent on.
type call struct {
	verb    *verb
	version string // as "v1.41"; empty where the path has none
	object  string // the name or ID in the path, or empty; after check, the ID
	query   url.Values
	login   string // how the engine signs in to the registry of a pull; empty: as anybody
	body    any    // what the engine is sent as JSON; nil where nothing or a stream is sent
}

const (
	mostPath  = 1 << 10 // bytes
	mostQuery = 64 << 10
)

var (
	// plainPath are the bytes of a path: a % could hide another path from this process or
	// from the engine, so none is taken.
	plainPath  = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9_.:@-]*)+$`)
	apiVersion = regexp.MustCompile(`^v1\.[2-9][0-9]$`)
)

// parse takes a request apart. It refuses what the table of verbs does not hold.
func parse(r *http.Request) (*call, error) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if len(path) > mostPath || len(query) > mostQuery {
		return nil, refuse("path", "it is too long")
	}
	if !plainPath.MatchString(path) {
		return nil, refuse("path", "it is not written as the controller writes it")
	}
	segments := strings.Split(path[1:], "/")
	c := &call{}
	if apiVersion.MatchString(segments[0]) {
		c.version, segments = segments[0], segments[1:]
	}
	for i := range verbs {
		if verbs[i].method != r.Method {
			continue
		}
		if object, matches := verbs[i].match(segments); matches {
			c.verb, c.object = &verbs[i], object
			break
		}
	}
	if c.verb == nil {
		return nil, refuse("path", "the controller has no such call")
	}
	if c.version == "" && !c.verb.unversioned {
		return nil, refuse("path", "it names no version of the API")
	}
	var err error
	c.query, err = c.verb.parseQuery(query)
	return c, err
}

// parseQuery takes the parameters that the verb has. Each is there once, unless the verb
// takes several of it.
func (v *verb) parseQuery(text string) (url.Values, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse("query", "it cannot be read")
	}
	for name, given := range values {
		known, ok := v.query[name]
		if !ok {
			return nil, refuse("query "+name, "the controller does not use it")
		}
		if len(given) > 1 && !known.several {
			return nil, refuse("query "+name, "it is there more than once")
		}
		for _, value := range given {
			if known.pattern != nil && !known.pattern.MatchString(value) {
				return nil, refuse("query "+name, "its value is not one that the controller uses")
			}
		}
	}
	return values, nil
}

// uri is the path and query that the engine gets, made anew.
func (c *call) uri() (path, query string) {
	path = "/" + strings.Replace(c.verb.path, "{}", c.object, 1)
	if c.version != "" {
		path = "/" + c.version + path
	}
	return path, c.query.Encode()
}
