package routing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// Home is where "/" leads that no app has.
type Home struct {
	Chosen  traefik.Route   // the zero Route is nowhere: the proxy answers 404
	Missing bool            // no app has the route any more
	Choices []traefik.Route // of all apps, but for "/" itself
}

// Home returns where "/" leads, and where it could.
func (r *Routes) Home(ctx context.Context) (Home, error) {
	chosen, err := r.ledger.FindHome(ctx)
	if err != nil {
		return Home{}, err
	}
	home := Home{Chosen: chosen}
	apps, err := r.ledger.ListApps(ctx)
	for _, found := range apps {
		for _, route := range found.Routes {
			if route != (traefik.Route{Path: "/"}) && !route.Host.IsWildcard() && found.Wanted != app.WantedDeleted {
				home.Choices = append(home.Choices, route)
			}
		}
	}
	slices.SortFunc(home.Choices, func(a, b traefik.Route) int { return cmp.Compare(a.String(), b.String()) })
	home.Missing = chosen != (traefik.Route{}) && !slices.Contains(home.Choices, chosen)
	return home, err
}

// UpdateHome chooses where "/" leads that no app has; empty is nowhere.
func (r *Routes) UpdateHome(ctx context.Context, text string) error {
	home := traefik.Route{}
	if text != "" {
		var err error
		if home, err = r.ParseRoute(text); err != nil {
			return problem.AtField("home", err)
		}
		present, err := r.Home(ctx)
		if err != nil {
			return err
		}
		if !slices.Contains(present.Choices, home) {
			return problem.Conflict(fmt.Sprintf("No app answers at %s.", home), "Choose a route that an app has.").At("home")
		}
	}
	if err := r.ledger.UpdateHome(ctx, home); err != nil {
		return err
	}
	return r.publishAll(ctx)
}
