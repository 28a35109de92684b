package routing

import (
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/traefik"
)

// AddWishes gives a new app the routes that its compose file asks for, beside those that
// it has. The error says of each route that it cannot have why not. Whether another app
// has one is the ledger's to say.
func (r *Routes) AddWishes(found *app.App, made plan.Plan) error {
	var faults problem.Refusals
	given := make(map[string]string) // by route, the service that it is for
	found.Destinations = nil
	for _, wish := range made.Routes {
		refuse := func(reason, hint string) {
			faults = append(faults, &problem.Refusal{
				File: wish.File, Line: wish.Line, Reason: fmt.Sprintf("The route %.200s of %s: %s", wish.Route, wish.Service, reason), Hint: hint,
			})
		}
		route, err := r.ParseRoute(wish.Route)
		if err == nil {
			err = r.RefuseForeignName(found.Name, route)
		}
		if fault, ok := errors.AsType[*problem.Problem](err); ok {
			refuse(fault.Message, fault.Hint)
			continue
		}
		if err != nil {
			return err
		}
		if !slices.Contains(made.Names(), wish.Service) {
			refuse("There is no such service.", fmt.Sprintf("Name one of %s.", app.NameList(made.Names())))
			continue
		}
		if other, twice := given[route.String()]; twice {
			refuse(fmt.Sprintf("%s asks for it for %s too.", whoAsks(wish), other), "Give each service a route of its own.")
			continue
		}
		given[route.String()] = wish.Service
		found.Lead(route, destinationOf(wish, made.Main))
	}
	return problem.Refused("archive", faults.Err())
}

// whoAsks names the one that asks for the route.
func whoAsks(wish plan.RouteWish) string {
	if wish.File == "" {
		return "The form"
	}
	return "The file"
}

// destinationOf is where a wished route leads. The main service has no name in it, so that
// the route follows when another service becomes the main one.
func destinationOf(wish plan.RouteWish, main string) app.Destination {
	to := app.Destination{Service: wish.Service, Port: wish.Port}
	if to.Service == main {
		to.Service = ""
	}
	return to
}

// Unmet returns a sentence for each route that a compose file asks for and that an app,
// which is there already, does not have.
func Unmet(found app.App, made plan.Plan) (sentences []string) {
	for _, wish := range made.Routes {
		has := slices.ContainsFunc(found.Routes, func(route traefik.Route) bool {
			return route.String() == wish.Route && found.Destinations[route] == destinationOf(wish, made.Main)
		})
		if !has {
			sentences = append(sentences, fmt.Sprintf("The file asks for a route: %s. Routes of a file count at an app's first release only: add it on the page Routes of the app.", wish))
		}
	}
	return sentences
}
