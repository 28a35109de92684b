package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
)

// ParseImage reads the reference of an image that is to be run as it is, or
// returns a Problem of the field image.
func ParseImage(s string) (plan.ImageReference, error) {
	reference, err := plan.ParseImageReference(strings.TrimSpace(s))
	return reference, OnImage(problem.Refused("archive", err))
}

// OnImage puts a Problem beside the field of the image.
func OnImage(err error) error {
	if problem, ok := errors.AsType[*problem.Problem](err); ok {
		problem.Field = "image"
	}
	return err
}

// pull makes the image that the release names its one service, and fetches it.
func (p *planned) pull(ctx context.Context) error {
	made, err := plan.FromImage(p.release.Reference, p.planOptions())
	if err != nil {
		return problem.Refused("archive", err)
	}
	p.take(made)
	return p.besideNetwork(ctx, func(ctx context.Context, makeNetwork func()) error {
		return p.makeImages(ctx, nil, makeNetwork)
	})
}

// pullImage fetches the image that a service names. Where the release names it, it
// is pinned to what it got, and where its registry gives none, the one of that name
// in the engine is used.
func (s *shipment) pullImage(ctx context.Context, spec plan.Service) (docker.Image, error) {
	if s.release.Reference == "" {
		image, _, err := s.images.PullImage(ctx, docker.PullOptions{Reference: spec.Image, Always: spec.AlwaysPull}, s.log.Line)
		return image, err
	}
	// What a digest names never changes.
	options := docker.PullOptions{Reference: spec.Image, Always: !strings.Contains(spec.Image, "@")}
	image, digest, err := s.images.PullImage(ctx, options, s.log.Line)
	if err != nil && errors.Is(context.Cause(ctx), errBuildTimeout) {
		return docker.Image{}, problem.Unavailable(
			fmt.Sprintf("The image was not pulled within %s.", printable.Duration(s.buildTimeout)),
			"Deploy again: what was pulled already is not pulled twice. BERTH_BUILD_TIMEOUT gives it more time.",
		).Because(err)
	}
	if refused, ok := errors.AsType[*docker.PullError](err); ok && options.Always {
		s.log.Say("%s", refused.Message)
		var local error
		if image, digest, local = s.images.FindPulled(ctx, spec.Image); local == nil {
			s.log.Say("so the image of that name that is on the server is used")
			err = nil
		} else if !errors.Is(local, docker.ErrNotFound) {
			err = local
		}
	}
	if err != nil {
		return docker.Image{}, err
	}
	s.log.Say("the release is pinned to %s", app.Pinned(digest, image.ID))
	s.release.Digest = digest
	return image, nil
}

// findImage returns an image of the release, and pulls it again by its digest where
// it came from a registry and is not there any more.
func (p *planned) findImage(ctx context.Context, id string) (docker.Image, error) {
	image, err := p.images.FindImage(ctx, id)
	if !errors.Is(err, docker.ErrNotFound) || p.release.Digest == "" {
		return image, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.buildTimeout, errBuildTimeout)
	defer cancel()
	image, digest, err := p.images.PullImage(ctx, docker.PullOptions{Reference: p.release.Digest}, p.log.Line)
	if err != nil {
		return docker.Image{}, err
	}
	p.release.Image, p.release.Digest = image.ID, digest
	return image, p.record(ctx)
}
