package plan

import (
	"strings"

	"github.com/distribution/reference"
)

// ImageReference is an image to run as it is, in full: registry, path, and tag or digest.
type ImageReference string

// referenceBytes is more than any registry takes.
const referenceBytes = 512

// ParseImageReference reads what people write for an image, such as nginx:1.27 or
// ghcr.io/owner/app@sha256:... A tag is needed where there is no digest: what
// "latest" is changes without anybody's doing.
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

// FromImage plans an app of one service that runs an image as it is.
func FromImage(image ImageReference, o Options) (Plan, error) {
	service := o.Service()
	if err := service.check(); err != nil {
		return Plan{}, err
	}
	named, err := reference.ParseNormalizedNamed(string(image))
	if err != nil {
		return Plan{}, refuseReference()
	}
	if refusal := checkRegistry(named, o.Registries); refusal != nil {
		return Plan{}, refusal
	}
	service.Image = string(image)
	return Plan{Services: []Service{service}, Main: service.Name}, nil
}
