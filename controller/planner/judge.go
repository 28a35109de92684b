package planner

import (
	"context"
	"errors"

	"berth/controller/archive"
	"berth/controller/lineends"
	"berth/controller/plan"
	"berth/controller/recipe"
)

// judge refuses a plan with a build that would get an entry that no archive may hold, and
// adds the notes of the archive. A fault also explains best why an archive has no plan: the
// entry is not in the tree, so its Dockerfile may seem to be missing.
func judge(ctx context.Context, tree *archive.Tree, made plan.Plan, err error) (plan.Plan, error) {
	var layouts []archive.Layout
	for _, service := range made.Services {
		if service.Image == "" {
			layouts = append(layouts, service.Build.Layout())
		}
	}
	if _, refused := errors.AsType[*plan.Refusal](err); refused {
		if keep, err := recipe.Keep(ctx, tree); err == nil {
			layouts = []archive.Layout{{Keep: keep}}
		}
	}
	for _, layout := range layouts {
		if fault := tree.Check(layout); fault != nil {
			return plan.Plan{}, fault
		}
	}
	if note := tree.LeftOut(); note != "" && err == nil {
		made.Notes = append(made.Notes, note)
	}
	if err == nil && len(layouts) > 0 {
		var notes []string
		notes, err = lineends.Notes(ctx, tree)
		made.Notes = append(made.Notes, notes...)
	}
	return made, err
}
