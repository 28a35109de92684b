package planner

import (
	"context"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/nearmiss"
	"berth/controller/plan"
)

// fromDockerfile plans an app of one service from the Dockerfile at path.
func fromDockerfile(ctx context.Context, tree *archive.Tree, path string, service plan.Service, o plan.Options) (plan.Plan, error) {
	file, text, err := nearmiss.Read(ctx, tree, path, dockerfile.MostBytes)
	if err != nil {
		return plan.Plan{}, err
	}
	service.Build = plan.Build{Dockerfile: file}
	if refusal := service.Build.Take(text, o); refusal != nil {
		refusal.File = file
		return plan.Plan{}, refusal
	}
	keep, err := dockerfile.Context(ctx, tree, "", path)
	if err != nil {
		return plan.Plan{}, err
	}
	service.Build.Keep = func(e archive.Entry) bool { return e.Path == file || keep(e) }
	return plan.Plan{Services: []plan.Service{service}, Main: service.Name}, nil
}
