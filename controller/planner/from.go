// Package planner reads how to build and run the app in an archive, and finds the safe form of its compose file.
package planner

import (
	"context"
	"fmt"

	"berth/controller/archive"
	"berth/controller/entrypoint"
	"berth/controller/nearmiss"
	"berth/controller/plan"
	"berth/controller/recipe"
)

// From reads how to build and run the app in tree. It returns a *Refusal if the archive
// cannot be deployed, or an *archive.Refusal if a file of the archive cannot be read.
//
// A compose file at the top of the archive wins, even with a Dockerfile beside it: that
// Dockerfile then belongs to one of its services. A Dockerfile that was chosen for the
// archive wins over both, and so do the compose files that a person chose. If nothing at
// the top says what the app is, a compose file in a folder does.
//
// From ends with ctx, because it may have to search a whole tar.gz.
func From(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	service := o.Service()
	if err := service.Check(); err != nil {
		return plan.Plan{}, err
	}
	made, err := from(ctx, tree, service, o)
	made.NoteBuilds(o.BuildVariables)
	if err == nil {
		err = entrypoint.Read(ctx, tree, made)
	}
	made.Notes = append(made.Notes, entrypoint.Unknown(made, o.RootStart)...)
	return judge(ctx, tree, made, err)
}

// from is From without the faults of the archive's entries.
func from(ctx context.Context, tree *archive.Tree, service plan.Service, o plan.Options) (plan.Plan, error) {
	if chosen := tree.Dockerfile(); chosen != "" {
		return fromDockerfile(ctx, tree, chosen, service, o)
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
	if dockerfile, found := nearmiss.Misspelt(tree); found {
		made, err := fromDockerfile(ctx, tree, dockerfile, service, o)
		made.Notes = append(made.Notes, fmt.Sprintf("The file %s is read as the Dockerfile.", dockerfile))
		return made, err
	}
	if below := composeFilesIn(tree); len(below) > 0 && !recipe.Knows(ctx, tree) {
		return fromBelow(ctx, tree, below, o)
	}
	made, err := fromProject(ctx, tree, service, o)
	made.Notes = append(made.Notes, nearmiss.Unused(tree)...)
	return made, err
}
