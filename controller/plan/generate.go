package plan

import (
	"context"

	"berth/controller/archive"
	"berth/controller/nearmiss"
)

// recipes are the kinds of projects. The first kind that recognises the archive decides.
// A program comes before its own pages and scripts.
var recipes = []struct {
	knows func(*project) bool
	write func(*project, Options) (*recipe, error)
	// ignored are the files of such a project that no image needs, beside ignoredAlways.
	ignored []string
}{
	{knowsGo, writeGo, nil},
	{knowsComposer, writePHP, []string{"vendor"}},
	{knowsPython, writePython, nil},
	{knowsNode, writeNode, []string{".next", ".nuxt", ".svelte-kit"}},
	{knowsPHP, writePHP, nil},
	{knowsSite, writeSite, nil},
}

// fromProject plans an app of one service without a Dockerfile, from its files.
func fromProject(ctx context.Context, tree *archive.Tree, service Service, o Options) (Plan, error) {
	p := &project{ctx: ctx, tree: tree}
	for _, candidate := range recipes {
		if !candidate.knows(p) {
			continue
		}
		r, err := candidate.write(p, o)
		if err != nil {
			return Plan{}, err
		}
		keep, err := p.keep(candidate.ignored...)
		if err != nil {
			return Plan{}, err
		}
		return generated(r, keep, service, o.Registries)
	}
	return Plan{}, nearmiss.Refuse(tree)
}

func generated(r *recipe, keep func(archive.Entry) bool, service Service, registries []string) (Plan, error) {
	made, err := r.finish()
	if err != nil {
		return Plan{}, err
	}
	service.Build = Build{Dockerfile: ownDockerfile, Keep: keep, Generated: made}
	if refusal := service.Build.take([]byte(made.Dockerfile), registries); refusal != nil {
		return Plan{}, refusal
	}
	return Plan{Services: []Service{service}, Main: service.Name}, nil
}
