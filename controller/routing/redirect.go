package routing

import (
	"context"
	"errors"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// CreateRedirect sends all of one host to another.
func (r *Routes) CreateRedirect(ctx context.Context, redirect traefik.Redirect) error {
	if redirect.From == redirect.To {
		return redirectProblem(app.ErrRedirectLoop, redirect)
	}
	apps, err := r.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	for _, found := range apps {
		if route, ok := r.nameRoute(found.Name); ok && route.Host == redirect.From {
			return redirectProblem(&app.RouteTakenError{Route: route, App: found.Name}, redirect)
		}
	}
	if err := r.ledger.CreateRedirect(ctx, redirect); err != nil {
		return redirectProblem(err, redirect)
	}
	return r.publishAll(ctx)
}

// DeleteRedirect frees the host again.
func (r *Routes) DeleteRedirect(ctx context.Context, host traefik.Host) error {
	err := r.ledger.DeleteRedirect(ctx, host)
	if errors.Is(err, problem.ErrNotFound) {
		return problem.NotFound(
			fmt.Sprintf("%.253s does not redirect.", host),
			"See the page of the domains for the hosts that do.",
		).Because(err)
	}
	if err != nil {
		return err
	}
	return r.publishAll(ctx)
}

func redirectProblem(err error, redirect traefik.Redirect) error {
	problem := &problem.Problem{Kind: problem.KindConflict, Field: "from", Err: err}
	if taken, ok := errors.AsType[*app.RouteTakenError](err); ok {
		problem.Message = fmt.Sprintf("The app %s answers at %s.", taken.App, taken.Route)
		problem.Hint = "Take the routes on this host from the apps that have them first."
		return problem
	}
	switch {
	case errors.Is(err, app.ErrRedirectTaken):
		problem.Message = fmt.Sprintf("%s redirects already.", redirect.From)
		problem.Hint = "Remove that redirect first."
	case errors.Is(err, app.ErrRedirectLoop):
		problem.Field = "to"
		problem.Message = fmt.Sprintf("A redirect from %s to %s would lead back to where it began.", redirect.From, redirect.To)
		problem.Hint = "Choose a host that does not redirect to it."
	default:
		return err
	}
	return problem
}
