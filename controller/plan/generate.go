package plan

import (
	"context"

	"berth/controller/archive"
	"berth/controller/recipe"
)

// fromProject plans an app of one service without a Dockerfile, from its files.
func fromProject(ctx context.Context, tree *archive.Tree, service Service, o Options) (Plan, error) {
	made, keep, err := recipe.Write(ctx, tree, recipe.Options{Fallback: o.Fallback, Server: o.Server})
	if err != nil {
		return Plan{}, err
	}
	service.Build = Build{Dockerfile: recipe.Place, Keep: keep, Generated: made}
	if refusal := service.Build.take([]byte(made.Dockerfile), o.Registries); refusal != nil {
		return Plan{}, refusal
	}
	return Plan{Services: []Service{service}, Main: service.Name}, nil
}
