package planner

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
)

// routesKey is the key of a service for its routes. It is Berth's own, as the specification
// lets it be.
const routesKey = "x-berth"

// mostRoutes bounds the routes that one file asks for.
const mostRoutes = 50

// routes returns the routes that the services ask for, in the order of the file. It records
// faults; whether an app may have a route is not known here.
func (c *composer) routes() []plan.RouteWish {
	var wishes []plan.RouteWish
	for _, name := range c.running() {
		wishes = append(wishes, c.routesOf(c.file.Project.Services[name])...)
	}
	if len(wishes) > mostRoutes {
		c.fault(fmt.Sprintf("The file asks for %d routes, and %d is the most.", len(wishes), mostRoutes), "Ask for fewer routes.", "services")
		return nil
	}
	return wishes
}

func (c *composer) routesOf(service types.ServiceConfig) []plan.RouteWish {
	value, found := service.Extensions[routesKey]
	if !found {
		return nil
	}
	items, listed := value.([]any)
	if !listed {
		items = []any{value}
	}
	var wishes []plan.RouteWish
	for i, item := range items {
		place := []string{"services", service.Name, routesKey}
		if listed {
			place = append(place, strconv.Itoa(i))
		}
		if wish, ok := c.route(service.Name, item, place); ok {
			wishes = append(wishes, wish)
		}
	}
	return wishes
}

// route reads one wish. It records its fault.
func (c *composer) route(service string, item any, place []string) (plan.RouteWish, bool) {
	const hint = "Write it such as x-berth: {route: /api, port: 8080}."
	fields, ok := item.(map[string]any)
	host, hostOK := textOf(fields["host"])
	path, pathOK := textOf(fields["route"])
	switch {
	case !ok || !hostOK || !pathOK:
		c.fault(fmt.Sprintf("The key %s of %s is no mapping of route, host and port.", routesKey, service), hint, place...)
		return plan.RouteWish{}, false
	case host == "" && path == "":
		c.fault(fmt.Sprintf("The key %s of %s has neither a route nor a host.", routesKey, service), hint, place...)
		return plan.RouteWish{}, false
	case path != "" && !strings.HasPrefix(path, "/"):
		c.fault(fmt.Sprintf("The route %.80q of %s is no path.", path, service), "Begin it with a slash; write a domain as host.", place...)
		return plan.RouteWish{}, false
	case strings.Contains(host, "/"):
		c.fault(fmt.Sprintf("The host %.80q of %s is no domain.", host, service), "Write the domain alone, and the path as route.", place...)
		return plan.RouteWish{}, false
	case plan.RefersToSecret(host + path):
		c.fault(fmt.Sprintf("The key %s of %s holds a secret of the app.", routesKey, service), "Keep it as a plain variable: everybody sees routes.", place...)
		return plan.RouteWish{}, false
	}
	wish := plan.RouteWish{Route: host + path, Service: service}
	wish.File, wish.Line = c.file.Place(place...)
	if fields["port"] == nil {
		return wish, true
	}
	port, err := strconv.ParseUint(fmt.Sprint(fields["port"]), 10, 16)
	if err != nil || port == 0 {
		c.fault(fmt.Sprintf("The port of %s under %s is not between 1 and 65535.", service, routesKey), hint, place...)
		return plan.RouteWish{}, false
	}
	wish.Port = uint16(port)
	return wish, true
}

// textOf returns a text, or the empty text of a missing value.
func textOf(value any) (text string, ok bool) {
	if value == nil {
		return "", true
	}
	text, ok = value.(string)
	return text, ok
}
