package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"time"

	"berth/controller/app"
)

// routeTimeout bounds what berth route waits for: a check of the host and the proxy.
const routeTimeout = time.Minute

// routesAnswer is what the API says of the routes of an app, as far as it is needed here.
type routesAnswer struct {
	Routes []struct {
		Route   string         `json:"route"`
		Unicode string         `json:"unicode"`
		URL     string         `json:"url"`
		State   string         `json:"state"`
		Derived bool           `json:"derived"`
		Service string         `json:"service"`
		Port    uint16         `json:"port"`
		Check   *app.HostCheck `json:"check"`
	} `json:"routes"`
}

// routeRequest is a change as the API takes it.
type routeRequest struct {
	path string // below the app's
	body map[string]any
}

// runRoute shows and changes the routes of an app.
func runRoute(ctx context.Context, p *program, args []string) error {
	flags := newFlags("route")
	line := p.addLineFlags(flags)
	takeOver := flags.Bool("take-over", false, "with add and change: also from the app that has the route, in one step")
	service := flags.String("service", "", "with add and change: the service of a compose app that the route leads to")
	port := flags.Uint("port", 0, "with add and change: the port of the service; 0 is its own")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return &usageError{errors.New("berth routes takes the name of an app and what to do; see berth help routes")}
	}
	name, err := app.ParseName(words[0])
	if err != nil {
		return &usageError{err}
	}
	led := map[string]any{} // where the route leads, as far as that was said
	flags.Visit(func(given *flag.Flag) {
		switch given.Name {
		case "service":
			led["service"] = *service
		case "port":
			led["port"] = *port
		}
	})
	if words[1] == "change" && len(words) == 3 && len(led) > 0 {
		words = append(words, words[2]) // it stays the same route
	}
	wish, name, err := routeRequestOf(name, words[1], words[2:], *takeOver)
	if err != nil {
		return err
	}
	if words[1] == "add" || words[1] == "change" {
		maps.Copy(wish.body, led)
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, routeTimeout)
	defer cancel()
	var answer routesAnswer
	if wish.body == nil {
		err = api.find(ctx, appPath(name)+"/routes", &answer)
	} else {
		err = api.sendJSON(ctx, http.MethodPost, appPath(name)+"/routes"+wish.path, wish.body, &answer)
	}
	if err != nil {
		return err
	}
	return p.show(api, func() error { return p.printRoutes(answer) })
}

// routeRequestOf is what a verb and its words ask for, and of which app: a route is
// moved by the one that gets it.
func routeRequestOf(name app.Name, verb string, words []string, takeOver bool) (routeRequest, app.Name, error) {
	counts := map[string]int{"list": 0, "add": 1, "remove": 1, "change": 2, "move": 2}
	count, known := counts[verb]
	switch {
	case !known:
		return routeRequest{}, "", &usageError{fmt.Errorf("berth routes takes no %.60q; see berth help routes", verb)}
	case len(words) != count:
		return routeRequest{}, "", &usageError{fmt.Errorf("berth routes %s takes %d more words, not %d; see berth help routes", verb, count, len(words))}
	}
	switch verb {
	case "add":
		return routeRequest{body: map[string]any{"route": words[0], "take_over": takeOver}}, name, nil
	case "remove":
		return routeRequest{path: "/remove", body: map[string]any{"route": words[0]}}, name, nil
	case "change":
		return routeRequest{path: "/change", body: map[string]any{"route": words[0], "to": words[1], "take_over": takeOver}}, name, nil
	case "move":
		to, err := app.ParseName(words[1])
		if err != nil {
			return routeRequest{}, "", &usageError{err}
		}
		return routeRequest{body: map[string]any{"route": words[0], "take_over": true}}, to, nil
	default:
		return routeRequest{}, name, nil
	}
}

// printRoutes prints the routes, and what is wrong with their hosts beside them.
func (p *program) printRoutes(answer routesAnswer) error {
	table := p.table()
	_, _ = fmt.Fprintln(table, "ROUTE\tSTATE\tURL")
	for _, route := range answer.Routes {
		shown := route.Route
		if route.Unicode != "" {
			shown += " (" + route.Unicode + ")"
		}
		if route.Derived {
			shown += " (by its name)"
		}
		if to := (app.Destination{Service: route.Service, Port: route.Port}); to != (app.Destination{}) {
			shown += " (leads to " + to.String() + ")"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", shown, route.State, route.URL)
		if route.Check == nil {
			continue
		}
		for _, finding := range route.Check.Warnings() {
			_, _ = fmt.Fprintf(p.stderr, "Warning: %s: %s %s\n", route.Route, finding.Message, finding.Hint)
		}
	}
	return table.Flush()
}
