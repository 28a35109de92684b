package planner

import (
	"context"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/recipe"
)

// From reads how to build and run the app in tree. It returns a *Refusal if the archive
// cannot be deployed, or an *archive.Refusal if a file of the archive cannot be read.
//
// A compose file at the top of the archive wins, even with a Dockerfile beside it: that
// Dockerfile then belongs to one of its services. The compose files that a person chose win
// over both. If nothing at the top says what the app is, a compose file in a folder does.
//
// From ends with ctx, because it may have to search a whole tar.gz.
func From(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	service := o.Service()
	if err := service.Check(); err != nil {
		return plan.Plan{}, err
	}
	if len(o.Compose) > 0 {
		return fromChosen(ctx, tree, o)
	}
	if compose, found := findFile(tree, composeFiles); found {
		made, err := fromCompose(ctx, tree, []string{compose}, o)
		return made, besideDockerfile(tree, compose, err)
	}
	if dockerfile, found := findFile(tree, dockerfiles); found {
		return fromDockerfile(ctx, tree, dockerfile, service, o)
	}
	if below := composeFilesIn(tree); len(below) > 0 && !recipe.Knows(ctx, tree) {
		return fromBelow(ctx, tree, below, o)
	}
	return fromProject(ctx, tree, service, o)
}
