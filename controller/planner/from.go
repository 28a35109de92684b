// Package planner reads how to build and run the app in an archive, and finds the safe form of its compose file.
package planner

import (
	"context"

	"berth/controller/archive"
	"berth/controller/plan"
)

// From reads how to build and run the app in tree. It returns a *Refusal if the archive
// cannot be deployed, or an *archive.Refusal if a file of the archive cannot be read.
//
// A compose file at the top of the archive wins, even with a Dockerfile beside it: that
// Dockerfile then belongs to one of its services.
//
// From ends with ctx, because it may have to search a whole tar.gz.
func From(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	service := o.Service()
	if err := service.Check(); err != nil {
		return plan.Plan{}, err
	}
	if compose, found := findFile(tree, composeFiles); found {
		made, err := fromCompose(ctx, tree, compose, o)
		return made, besideDockerfile(tree, compose, err)
	}
	if dockerfile, found := findFile(tree, dockerfiles); found {
		return fromDockerfile(ctx, tree, dockerfile, service, o)
	}
	return fromProject(ctx, tree, service, o)
}
