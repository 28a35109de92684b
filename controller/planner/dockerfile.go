package planner

import (
	"context"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/plan"
)

// fromDockerfile plans an app of one service from the Dockerfile at path.
func fromDockerfile(ctx context.Context, tree *archive.Tree, path string, service plan.Service, o plan.Options) (plan.Plan, error) {
	text, err := tree.ReadFile(ctx, path, dockerfile.MostBytes)
	if err != nil {
		return plan.Plan{}, err
	}
	service.Build = plan.Build{Dockerfile: path}
	if refusal := service.Build.Take(text, o.Registries); refusal != nil {
		refusal.File = path
		return plan.Plan{}, refusal
	}
	if service.Build.Keep, err = dockerfile.Context(ctx, tree, "", path); err != nil {
		return plan.Plan{}, err
	}
	return plan.Plan{Services: []plan.Service{service}, Main: service.Name}, nil
}
