// Package renaming gives apps other names. What the engine and the folders keep of an app stays where it is, by its handle.
package renaming

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// Story runs what is live under the new name. controller.Controller is the one there is.
type Story interface {
	// Rename calls record with the release that is to be queued with the new name; the zero
	// Release where the app does not run.
	Rename(ctx context.Context, name, to app.Name, by string, record func(context.Context, app.Release) (app.Release, error)) (app.Release, error)
}

// Ledger changes the name in one transaction. store.Store is the one there is.
type Ledger interface {
	FindApp(context.Context, app.Name) (app.App, error)
	ListApps(context.Context) ([]app.App, error)
	RenameApp(context.Context, app.Renaming, app.Release) (app.Release, error)
}

// Routing says which routes an app may have. routing.Routes is the one there is.
type Routing interface {
	ParseRoute(string) (traefik.Route, error)
	RefuseForeignName(app.Name, traefik.Route) error
}

// Renames gives apps other names. All fields are required.
type Renames struct {
	Story   Story
	Ledger  Ledger
	Routing Routing
	Key     secret.Key // opens what is sealed for the former name
}

// Wish says which app gets which name.
type Wish struct {
	App app.Name
	To  string // as it was typed
	// Redirect lets the path of the former name redirect to the new one, until an app claims it.
	Redirect bool
	By       string // account or token name
}

// FieldName is the field that problems name.
const FieldName = "name"

// Rename gives the app its new name at once, with all that is kept of it, and queues one release
// that runs the same images under it; the zero Release where the app does not run. What runs
// serves until that release is live. A route whose path is the former name gets the new one as its
// path. Problems name all that is wrong.
func (r Renames) Rename(ctx context.Context, wish Wish) (app.Name, app.Release, error) {
	found, err := r.Ledger.FindApp(ctx, wish.App)
	if errors.Is(err, problem.ErrNotFound) || err == nil && found.Wanted == app.WantedDeleted {
		return "", app.Release{}, app.Missing(wish.App, err)
	}
	if err != nil {
		return "", app.Release{}, err
	}
	to, err := app.ParseName(wish.To)
	if err != nil {
		return "", app.Release{}, err
	}
	if to == found.Name {
		return "", app.Release{}, problem.Invalid(fmt.Sprintf("The app is called %s already.", to), "Type another name.").At(FieldName)
	}
	following := routesBy(found)
	if err := r.check(ctx, found, to, following); err != nil {
		return "", app.Release{}, err
	}
	change := app.Renaming{App: found.Name, To: to, Routes: following, Redirect: wish.Redirect, Reseal: r.reseal}
	release, err := r.Story.Rename(ctx, found.Name, to, wish.By, func(ctx context.Context, release app.Release) (app.Release, error) {
		return r.Ledger.RenameApp(ctx, change, release)
	})
	return to, release, problemOf(err, found.Name, to)
}

// routesBy are the routes of the app whose path is its name.
func routesBy(found app.App) (following []traefik.Route) {
	for _, route := range found.Routes {
		if route.Path == app.NamePath(found.Name) {
			following = append(following, route)
		}
	}
	return following
}

// check says all that is wrong with the name at once. The transaction refuses again what
// another request has taken meanwhile.
func (r Renames) check(ctx context.Context, found app.App, to app.Name, following []traefik.Route) error {
	apps, err := r.Ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	taken := make(map[traefik.Route]app.Name)
	var faults problem.Problems
	for _, other := range apps {
		if other.Name == to {
			faults = append(faults, nameTaken(to))
		}
		for _, route := range other.Routes {
			taken[route] = other.Name
		}
	}
	for _, route := range following {
		now := traefik.Route{Host: route.Host, Path: app.NamePath(to)}
		if owner, ok := taken[now]; ok && owner == to {
			continue // its name is taken already
		} else if ok {
			faults = append(faults, routeTaken(now, owner))
		} else if _, err := r.Routing.ParseRoute(now.String()); err != nil {
			faults = faults.With(atName(err))
		}
	}
	for _, route := range found.Routes {
		if err := r.Routing.RefuseForeignName(to, route); err != nil {
			faults = append(faults, problem.Conflict(
				fmt.Sprintf("The route %s goes with the name %s.", route, found.Name), fmt.Sprintf("Remove the route from %s first.", found.Name),
			).At(FieldName).Because(err))
		}
	}
	return joined(faults)
}

// joined is one problem that says all, because they are about one field; nil for none.
func joined(faults problem.Problems) error {
	if len(faults) == 0 {
		return nil
	}
	all := *faults[0]
	for _, fault := range faults[1:] {
		all.Message += " " + fault.Message
		if !strings.Contains(all.Hint, fault.Hint) {
			all.Hint += " " + fault.Hint
		}
	}
	return &all
}

// atName says that a problem of a route is one of the name that it follows.
func atName(err error) error {
	if found, ok := errors.AsType[*problem.Problem](err); ok {
		return found.At(FieldName)
	}
	return err
}

func nameTaken(to app.Name) *problem.Problem {
	return problem.Conflict(fmt.Sprintf("There is an app called %s already.", to), "Choose another name.").At(FieldName)
}

func routeTaken(route traefik.Route, owner app.Name) *problem.Problem {
	return problem.Conflict(
		fmt.Sprintf("The route %s would follow the name, and the app %s has it.", route, owner),
		"Choose another name, or remove that route first.",
	).At(FieldName)
}

// problemOf words what the ledger refuses.
func problemOf(err error, name, to app.Name) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, problem.ErrNameTaken):
		return nameTaken(to).Because(err)
	case errors.Is(err, app.ErrUnderWay):
		return problem.Conflict(fmt.Sprintf("A release of %s is under way.", name), "Wait until it is live or has failed, or cancel it on its page.").Because(err)
	case errors.Is(err, app.ErrMoves):
		return problem.Conflict(fmt.Sprintf("The app %s is on its way to another server.", name), "Wait for the end of the move, or cancel it on its page.").Because(err)
	case errors.Is(err, problem.ErrNotFound):
		return app.Missing(name, err)
	}
	if taken, ok := errors.AsType[*app.RouteTakenError](err); ok {
		return routeTaken(taken.Route, taken.App).Because(err)
	}
	return err
}

func (r Renames) reseal(sealed []byte, from, to string) []byte {
	text, err := r.Key.Open(sealed, from)
	if err != nil {
		return sealed
	}
	return r.Key.Seal(text, to)
}
