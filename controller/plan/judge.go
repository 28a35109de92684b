package plan

import (
	"context"
	"errors"

	"berth/controller/archive"
)

// judge refuses a plan with a build that would get an entry that no archive may hold, and
// adds the notes of the archive. A fault also explains best why an archive has no plan: the
// entry is not in the tree, so its Dockerfile may seem to be missing.
func judge(ctx context.Context, tree *archive.Tree, made Plan, err error) (Plan, error) {
	var layouts []archive.Layout
	for _, service := range made.Services {
		if service.Image == "" {
			layouts = append(layouts, service.Build.Layout())
		}
	}
	if _, refused := errors.AsType[*Refusal](err); refused {
		p := &project{ctx: ctx, tree: tree}
		if keep, err := p.keep(); err == nil {
			layouts = []archive.Layout{{Keep: keep}}
		}
	}
	for _, layout := range layouts {
		if fault := tree.Check(layout); fault != nil {
			return Plan{}, fault
		}
	}
	if note := tree.LeftOut(); note != "" && err == nil {
		made.Notes = append(made.Notes, note)
	}
	return made, err
}
