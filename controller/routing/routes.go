package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// changeTimeout bounds what one change of routes may take.
const changeTimeout = time.Minute

// RouteState says whether a route answers.
type RouteState string

// The states of a route.
const (
	RouteLive    RouteState = "live"    // the proxy has confirmed that it leads to the app
	RouteWaiting RouteState = "waiting" // the proxy has not confirmed it yet
	RouteOff     RouteState = "off"     // the app does not run, so nobody answers

	RouteReserved RouteState = "reserved" // its host is Berth's own, so that the app does not answer
)

// RouteView is a route of an app as pages show it.
type RouteView struct {
	Route   traefik.Route
	State   RouteState
	To      app.Destination
	Derived bool // of the base domain: the app has it by its name, and cannot lose it
	Check   app.HostCheck
}

// List returns the routes of an app in order, the derived one last.
func (r *Routes) List(ctx context.Context, name app.Name) ([]RouteView, error) {
	found, err := r.findApp(ctx, name)
	if err != nil {
		return nil, err
	}
	checks, err := r.ledger.ListHostChecks(ctx)
	if err != nil {
		return nil, err
	}
	state := RouteLive
	switch {
	case found.Live == 0 || found.Wanted != app.WantedRunning:
		state = RouteOff
	case slices.Contains(r.pending.list(), name):
		state = RouteWaiting
	}
	var views []RouteView
	for _, route := range found.Routes {
		view := RouteView{Route: route, To: found.Destinations[route], State: state, Check: checks[route.Host]}
		if found.HaltsService(view.To.Service) {
			view.State = RouteOff
		}
		if r.isReservedHost(route.Host) {
			view.State = RouteReserved
		}
		views = append(views, view)
	}
	derived, err := r.Derived(ctx, []app.App{found})
	for _, route := range derived[name] {
		views = append(views, RouteView{Route: route, State: state, Derived: true, Check: checks[route.Host]})
	}
	return views, err
}

// Update changes the routes of an app in one transaction and one publication,
// without a release, and returns once the proxy has confirmed them; live is false
// where it has not, or where the app does not run. A route that another app has is
// a Problem with a *app.RouteTakenError in it, unless it is to be taken over.
func (r *Routes) Update(ctx context.Context, name app.Name, change app.RouteChange) (live bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer cancel()
	found, unlock, err := r.lockForRoutes(ctx, name, change)
	if err != nil {
		return false, err
	}
	defer unlock()
	for _, route := range change.Add {
		if err := r.RefuseForeignName(name, route); err != nil {
			return false, err
		}
	}
	if change.To != nil {
		if err := r.checkDestination(ctx, found, *change.To); err != nil {
			return false, err
		}
	}
	from, err := r.ledger.UpdateRoutes(ctx, name, change)
	if err != nil {
		return false, Problem(err, found)
	}
	changed := slices.Concat(from, []app.Name{name})
	r.pending.set(changed, true)
	defer func() {
		for _, one := range changed {
			r.notify(one)
		}
	}()
	if err := r.Publish(ctx); err != nil {
		r.reconcile()
		return false, err
	}
	if err := r.confirmRoutes(ctx, changed); err != nil {
		r.logger.Warn("confirm changed routes", "app", string(name), "error", err)
		r.reconcile() // the ledger has them: they will be live
		return false, nil
	}
	return found.Live != 0 && found.Wanted == app.WantedRunning, nil
}

// lockForRoutes locks the app and those that have what it wants: while a promoted
// release waits for the proxy to show its routes, they must stay what they are.
func (r *Routes) lockForRoutes(ctx context.Context, name app.Name, change app.RouteChange) (app.App, func(), error) {
	names := []app.Name{name}
	if change.TakeOver {
		apps, err := r.ledger.ListApps(ctx)
		if err != nil {
			return app.App{}, nil, err
		}
		for _, app := range apps {
			if slices.ContainsFunc(app.Routes, func(route traefik.Route) bool { return slices.Contains(change.Add, route) }) {
				names = append(names, app.Name)
			}
		}
	}
	slices.Sort(names) // so that no two wait for each other
	var unlocks []func()
	unlock := func() {
		for _, one := range slices.Backward(unlocks) {
			one()
		}
	}
	for _, one := range slices.Compact(names) {
		release, err := r.locks.Lock(ctx, one)
		if err != nil {
			unlock()
			return app.App{}, nil, err
		}
		unlocks = append(unlocks, release)
	}
	found, err := r.findApp(ctx, name)
	if err == nil {
		err = r.refuseGap(ctx, found, change)
	}
	if err != nil {
		unlock()
		return app.App{}, nil, err
	}
	return found, unlock, nil
}

// refuseGap refuses to hand a route that answers to an app that would not.
func (r *Routes) refuseGap(ctx context.Context, found app.App, change app.RouteChange) error {
	if !change.TakeOver || found.Live != 0 && found.Wanted == app.WantedRunning {
		return nil
	}
	apps, err := r.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	for _, other := range apps {
		if other.Name == found.Name || other.Live == 0 || other.Wanted != app.WantedRunning {
			continue
		}
		for _, route := range change.Add {
			if slices.Contains(other.Routes, route) {
				return problem.Conflict(
					fmt.Sprintf("%s does not run, so nobody would answer at %s.", found.Name, route),
					"Start it first, or send it an archive that runs.",
				).At("route")
			}
		}
	}
	return nil
}

// confirmRoutes waits until the proxy shows the routes of these apps as the ledger
// has them, and no more. The caller holds their locks, or tries again.
func (r *Routes) confirmRoutes(ctx context.Context, names []app.Name) error {
	ctx, cancel := context.WithTimeoutCause(ctx, ConfirmTimeout, ErrProxySilent)
	defer cancel()
	table, err := r.table(ctx)
	if err != nil {
		return err
	}
	part := traefik.Table{}
	for _, target := range table.Targets {
		if !target.Proving && slices.Contains(names, app.Name(target.App)) {
			part.Targets = append(part.Targets, target)
		}
	}
	table.Targets, table.Redirects, table.Home, table.Beacon = part.Targets, nil, traefik.Route{}, traefik.Beacon{}
	table.Forwards, table.Admin = nil, traefik.AdminRoute{}
	if err := r.proxy.ConfirmRoutes(ctx, table); err != nil {
		return fmt.Errorf("%w: %w", ErrProxySilent, err)
	}
	r.pending.set(names, false)
	return nil
}

// ConfirmPending tries again what Update could not see confirmed.
func (r *Routes) ConfirmPending(ctx context.Context) error {
	names := r.pending.list()
	if len(names) == 0 {
		return nil
	}
	if err := r.confirmRoutes(ctx, names); err != nil {
		return err
	}
	for _, name := range names {
		r.notify(name)
	}
	return nil
}

func (r *Routes) findApp(ctx context.Context, name app.Name) (app.App, error) {
	found, err := r.ledger.FindApp(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return app.App{}, app.Missing(name, err)
	}
	return found, err
}
