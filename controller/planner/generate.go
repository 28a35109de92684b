package planner

import (
	"context"
	"maps"
	"slices"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/recipe"
)

// fromProject plans an app of one service without a Dockerfile, from its files.
func fromProject(ctx context.Context, tree *archive.Tree, service plan.Service, o plan.Options) (plan.Plan, error) {
	made, keep, err := recipe.Write(ctx, tree, recipe.Options{Fallback: o.Fallback, Server: o.Server, Variables: slices.Sorted(maps.Keys(o.BuildVariables))})
	if err != nil {
		return plan.Plan{}, err
	}
	service.Site = made.Site
	service.Build = plan.Build{Dockerfile: recipe.Place, Keep: keep, Generated: made}
	if refusal := service.Build.Take([]byte(made.Dockerfile), o); refusal != nil {
		return plan.Plan{}, refusal
	}
	return plan.Plan{Services: []plan.Service{service}, Main: service.Name}, nil
}
