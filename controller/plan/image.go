package plan

import (
	"strings"

	"github.com/distribution/reference"

	"berth/controller/registry"
)

// ImageReference is the full name of an image to run: registry, path, and tag or digest.
type ImageReference string

// referenceBytes is more than any registry accepts.
const referenceBytes = 512

// ParseImageReference reads a person's name for an image, such as nginx:1.27 or
// ghcr.io/owner/app@sha256:... The name needs a tag or a digest, because "latest" changes
// without anybody's decision.
func ParseImageReference(text string) (ImageReference, error) {
	if len(text) > referenceBytes || strings.TrimSpace(text) != text {
		return "", refuseReference()
	}
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "", refuseReference()
	}
	if reference.IsNameOnly(named) {
		return "", &Refusal{
			Reason: "The image has no tag, so it is not clear which version is meant.",
			Hint:   "Write the version behind a colon, such as " + reference.FamiliarName(named) + ":1.2.3.",
		}
	}
	return ImageReference(named.String()), nil
}

func refuseReference() *Refusal {
	return &Refusal{
		Reason: "This is not the name of an image.",
		Hint:   "Write it as in docker pull, such as nginxinc/nginx-unprivileged:1.27 or ghcr.io/owner/app:2.0.",
	}
}

// FromImage plans an app of one service from an existing image.
func FromImage(image ImageReference, o Options) (Plan, error) {
	service := o.Service()
	if err := service.Check(); err != nil {
		return Plan{}, err
	}
	named, err := reference.ParseNormalizedNamed(string(image))
	if err != nil {
		return Plan{}, refuseReference()
	}
	if refusal := registry.Check(named, o.Registries); refusal != nil {
		return Plan{}, refusal
	}
	service.Image = string(image)
	made := Plan{Services: []Service{service}, Main: service.Name}
	made.NoteBuilds(o.BuildVariables)
	return made, nil
}
