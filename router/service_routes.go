package router

import (
	"fmt"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

// The fields of an upload for the routes of the services of a new app, beside the app's
// own route. They replace the routes that a compose file asks for.
const (
	// fieldServiceRoutes takes routes such as /api=api:9000, with commas between. An empty
	// one takes the file's routes away.
	fieldServiceRoutes = "service_routes"
	// Before the number of a row.
	rowRoute   = "service_route_"
	rowService = "service_name_"
	rowPort    = "service_port_"
)

// mostRouteRows bounds the rows of the form.
const mostRouteRows = 8

const hintServiceRoutes = "Write the route, the service and, if it is not its first one, the port, such as /api=api:9000, with commas between."

// isRouteRow reports whether a field stands in a row of the form.
func isRouteRow(field string) bool {
	return strings.HasPrefix(field, rowRoute) || strings.HasPrefix(field, rowService) || strings.HasPrefix(field, rowPort)
}

// serviceRoutes returns the routes that the form gives to services; nil where it says
// nothing of them.
func (u *upload) serviceRoutes() ([]plan.RouteWish, error) {
	if !u.has(fieldServiceRoutes) {
		return nil, nil
	}
	wishes := []plan.RouteWish{}
	for text := range strings.FieldsFuncSeq(u.fields[fieldServiceRoutes], func(r rune) bool { return r == ',' || r == '\r' || r == '\n' }) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		at := strings.LastIndexByte(text, '=')
		service, port, _ := strings.Cut(text[at+1:], ":")
		if at < 1 {
			return nil, problem.Invalid(fmt.Sprintf("%.120q says no route and no service.", strings.TrimSpace(text)), hintServiceRoutes).At(fieldServiceRoutes)
		}
		wish, err := serviceRoute(text[:at], service, port)
		if err != nil {
			return nil, err
		}
		wishes = append(wishes, wish)
	}
	for i := range mostRouteRows {
		row := u.routeRow(i)
		if row.Route == "" {
			continue
		}
		wish, err := serviceRoute(row.Route, row.Service, row.Port)
		if err != nil {
			return nil, err
		}
		wishes = append(wishes, wish)
	}
	return wishes, nil
}

// refuseServiceRoutes says that an app that is there has its routes already.
func (u *upload) refuseServiceRoutes() error {
	if !u.has(fieldServiceRoutes) {
		return nil
	}
	return u.problems.add(problem.Invalid("The routes of an app that is there are not part of an update.", "Change them on the page Routes of the app, with berth route, or at /api/v1/apps/NAME/routes.").At(fieldServiceRoutes))
}

func serviceRoute(route, service, port string) (plan.RouteWish, error) {
	wish := plan.RouteWish{Route: strings.TrimSpace(route), Service: strings.TrimSpace(service)}
	if wish.Service == "" {
		return wish, problem.Invalid(fmt.Sprintf("The route %.100s has no service.", wish.Route), "Choose the service that it leads to.").At(fieldServiceRoutes)
	}
	number, err := app.ParsePort(port)
	if err != nil {
		return wish, problem.Invalid(fmt.Sprintf("The port %.20q of the route %.100s is not between 1 and 65535.", port, wish.Route), "Write a number, or leave it out for the service's first port.").At(fieldServiceRoutes).Because(err)
	}
	wish.Port = number
	return wish, nil
}

// serviceRouteRow is a row of the form as it was typed.
type serviceRouteRow struct {
	Number               int // from 0
	Route, Service, Port string
}

// Label is the number as people count.
func (r serviceRouteRow) Label() int { return r.Number + 1 }

func (u *upload) routeRow(number int) serviceRouteRow {
	field := func(prefix string) string { return strings.TrimSpace(u.fields[prefix+strconv.Itoa(number)]) }
	return serviceRouteRow{number, field(rowRoute), field(rowService), field(rowPort)}
}

// serviceRoutesView are the fields for the routes of the services of a held archive.
type serviceRoutesView struct {
	Rows     []serviceRouteRow
	Services []string
	Main     string
	Problem  *problem.Problem
}

// Open reports whether the rows are shown at once.
func (s serviceRoutesView) Open() bool { return s.Problem != nil || s.Rows[0].Route != "" }

// serviceRoutesView returns the fields; nil where there are no services to choose from, or
// more routes than the form has rows. What was typed counts, else what the file asks for.
func (u *upload) serviceRoutesView() *serviceRoutesView {
	if u == nil || u.held == nil || len(u.held.Preview.Plan) < 2 || len(u.held.Preview.Routes) > mostRouteRows {
		return nil
	}
	preview := u.held.Preview
	view := &serviceRoutesView{Services: preview.Services, Main: preview.Main().Name, Problem: u.problems[fieldServiceRoutes]}
	add := func(route, service, port string) {
		view.Rows = append(view.Rows, serviceRouteRow{len(view.Rows), route, service, port})
	}
	if u.has(fieldServiceRoutes) {
		for i := range mostRouteRows {
			if row := u.routeRow(i); row.Route != "" {
				add(row.Route, row.Service, row.Port)
			}
		}
	} else {
		for _, wish := range preview.Routes {
			add(wish.Route, wish.Service, typedPort(wish.Port))
		}
	}
	for spare := 0; spare < 2 && len(view.Rows) < mostRouteRows; spare++ {
		add("", "", "")
	}
	return view
}

// routesFor returns the routes that lead to a service.
func routesFor(service string, all []plan.RouteWish) (routes []plan.RouteWish) {
	for _, wish := range all {
		if wish.Service == service {
			routes = append(routes, wish)
		}
	}
	return routes
}

// routeWishJSON is a route that the app is to have for one of its services.
type routeWishJSON struct {
	Route   string `json:"route"`
	Service string `json:"service"`
	Port    uint16 `json:"port,omitempty"` // 0 is the service's own
}

func routeWishesJSON(wishes []plan.RouteWish) (made []routeWishJSON) {
	for _, wish := range wishes {
		made = append(made, routeWishJSON{wish.Route, wish.Service, wish.Port})
	}
	return made
}
