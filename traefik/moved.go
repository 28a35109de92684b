package traefik

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// movedPattern matches the addresses that an app can have on another server. No character
// of them means something in a replacement.
var movedPattern = regexp.MustCompile(`^https?://(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?$`)

// ParseMoved returns an address that the routes of a moved app can redirect to: http or
// https, a host, and at most a port and a path.
func ParseMoved(s string) (string, error) {
	if !movedPattern.MatchString(s) {
		return "", fmt.Errorf("%.200q is not the address of an app", s)
	}
	return s, nil
}

func (t Target) checkMoved() error {
	if t.Moved == "" {
		return nil
	}
	if t.Proving || !t.Unavailable {
		return errors.New("an app that answers has not moved")
	}
	address := t.Moved
	if strings.HasPrefix(address, "/") {
		address = "https://here" + address
	}
	_, err := ParseMoved(address)
	return err
}

// redirects reports whether the routes of the target lead to another server.
func (t Target) redirects() bool { return t.Moved != "" && t.page() == PageUnavailable }

// movedLabels describes the middleware that redirects a route, and returns its name. What
// follows the path of the route follows the address, with the query. The redirect is no
// permanent one: browsers would keep it after its end.
func movedLabels(labels map[string]string, target Target, route Route) (name string) {
	content := map[string]string{
		"redirectregex.regex":       `^https?://[^/?]*` + regexp.QuoteMeta(strings.TrimSuffix(string(route.Path), "/")) + `([/?].*)?$`,
		"redirectregex.replacement": strings.TrimSuffix(target.Moved, "/") + `${1}`,
	}
	name = target.middleware("moved", content)
	for key, value := range content {
		set(labels, "middlewares."+name+"."+key, value)
	}
	return name
}
