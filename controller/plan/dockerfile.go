package plan

import (
	"context"

	"berth/controller/archive"
	"berth/controller/dockerfile"
)

// fromDockerfile plans an app of one service from the Dockerfile at path.
func fromDockerfile(ctx context.Context, tree *archive.Tree, path string, service Service, o Options) (Plan, error) {
	text, err := tree.ReadFile(ctx, path, dockerfile.MostBytes)
	if err != nil {
		return Plan{}, err
	}
	service.Build = Build{Dockerfile: path}
	if refusal := service.Build.take(text, o.Registries); refusal != nil {
		refusal.File = path
		return Plan{}, refusal
	}
	if service.Build.Keep, err = dockerfile.Context(ctx, tree, "", path); err != nil {
		return Plan{}, err
	}
	return Plan{Services: []Service{service}, Main: service.Name}, nil
}

// take checks the Dockerfile of the build against the rules, and notes its content.
func (b *Build) take(text []byte, registries []string) *Refusal {
	b.source, b.rules = string(text), dockerfile.Rules{Arguments: b.Arguments, Registries: registries}
	file, refusal := dockerfile.Read(text, b.rules)
	if refusal != nil {
		return refusal
	}
	b.Exposed, b.Bases = file.Exposed(), file.Bases
	return nil
}

// CheckBases refuses a build if one of its images would make it fetch an address, by its
// ONBUILD or its environment. The keys of the images are the names in Bases.
func (b Build) CheckBases(images map[string]dockerfile.Base) error {
	rules := b.rules
	rules.Bases = images
	if _, refusal := dockerfile.Read([]byte(b.source), rules); refusal != nil {
		refusal.File = b.Dockerfile
		return refusal
	}
	return nil
}
