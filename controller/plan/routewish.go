package plan

import "fmt"

// RouteWish is a route that a compose file asks for, for one of its services.
type RouteWish struct {
	Route   string // as a person types it; the planner does not parse it
	Service string
	Port    uint16 // 0 is the service's own
	File    string // where the wish stands
	Line    int
}

// String is the wish as people read it.
func (w RouteWish) String() string {
	if w.Port == 0 {
		return fmt.Sprintf("%.200s leads to %s", w.Route, w.Service)
	}
	return fmt.Sprintf("%.200s leads to %s, port %d", w.Route, w.Service, w.Port)
}

// Names returns the names of the services.
func (p Plan) Names() []string {
	names := make([]string, 0, len(p.Services))
	for _, service := range p.Services {
		names = append(names, service.Name)
	}
	return names
}
