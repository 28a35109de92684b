package routing

import (
	"errors"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
)

// Problem words what the ledger says of the routes of an app. It returns other errors
// as they are.
func Problem(err error, found app.App) error {
	if taken, ok := errors.AsType[*app.RouteTakenError](err); ok {
		return problem.Conflict(
			fmt.Sprintf("The app %s answers at %s already.", taken.App, taken.Route),
			"Choose another route, or take this one over.",
		).At("route").Because(err)
	}
	if last, ok := errors.AsType[*app.LastRouteError](err); ok {
		problem := problem.Conflict(
			fmt.Sprintf("It is the only route of %s, and an app has at least one.", last.App),
			fmt.Sprintf("Give %s another route first; or stop or delete the app.", last.App),
		).At("route").Because(err)
		return problem
	}
	switch {
	case errors.Is(err, app.ErrHostRedirects):
		return problem.Conflict(
			"The host redirects to another one.",
			"Remove its redirect in the settings first, under Domains.",
		).At("route").Because(err)
	case errors.Is(err, app.ErrNoRoute):
		return problem.Conflict(
			fmt.Sprintf("%s does not have this route any more.", found.Name),
			"See on its page which it has.",
		).At("route").Because(err)
	case errors.Is(err, app.ErrRouteTaken):
		return TakenProblem(err, found)
	case errors.Is(err, problem.ErrNotFound):
		return app.Missing(found.Name, err)
	}
	return err
}

// TakenProblem says that another app has the route of a new one, and not which.
func TakenProblem(err error, found app.App) error {
	route := found.Routes[0]
	if taken, ok := errors.AsType[*app.RouteTakenError](err); ok {
		route = taken.Route
	}
	return problem.Conflict(
		fmt.Sprintf("Another app answers at %s already.", route),
		"Choose another route, or delete the app that has it.",
	).At("route").Because(err)
}
