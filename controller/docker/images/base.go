package images

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	names "github.com/distribution/reference"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/link"
	"berth/controller/dockerfile"
	"berth/controller/plan"
)

// baseAge is how long an image of a registry is built on before the registry is
// asked for a newer one of its name.
const baseAge = 24 * time.Hour

// checkBases has the images that the build reads in the engine before the build
// begins, and refuses what they would make it do: the build program takes those that
// are there. An engine that keeps its images in containerd asks the registry once more.
func (i *Images) checkBases(ctx context.Context, build plan.Build, log func(string)) error {
	bases := make(map[string]dockerfile.Base, len(build.Bases))
	for _, name := range build.Bases {
		base, err := i.base(ctx, name, log)
		if refused, ok := errors.AsType[*PullError](err); ok {
			log("ERROR: " + refused.Message)
			return &BuildError{Message: refused.Message, Hint: refused.Hint}
		}
		if err != nil {
			return err
		}
		bases[name] = base
	}
	if len(bases) == 0 {
		return nil
	}
	return build.CheckBases(bases)
}

func (i *Images) base(ctx context.Context, reference string, log func(string)) (dockerfile.Base, error) {
	named, err := parseName(reference)
	if err != nil {
		return dockerfile.Base{}, err
	}
	name := names.FamiliarString(named)
	found, err := i.inspectBase(ctx, name)
	missing := errdefs.IsNotFound(err)
	if err != nil && !missing {
		return dockerfile.Base{}, link.Failure(ctx, "inspect base image", err)
	}
	if missing || isOld(named, found) {
		err := i.pull(ctx, name, log)
		refused, ok := errors.AsType[*PullError](err)
		switch {
		case err == nil:
			found, err = i.inspectBase(ctx, name)
		case ok && !missing:
			log(fmt.Sprintf("%s so the one of %s that is on the server is used.", refused.Message, name))
			err = nil
		}
		if err != nil {
			return dockerfile.Base{}, link.Failure(ctx, "have base image", err)
		}
	}
	i.remember(ctx, name, found.ID, found.ID)
	if found.Config == nil {
		return dockerfile.Base{}, nil
	}
	return dockerfile.Base{Environment: found.Config.Env, Triggers: found.Config.OnBuild}, nil
}

func (i *Images) inspectBase(ctx context.Context, name string) (imagetypes.InspectResponse, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	return i.link.API(ctx).ImageInspect(ctx, name)
}

// isOld reports whether a registry may have a newer image of the name. One without a
// digest came from none, and what a digest names never changes.
func isOld(named names.Named, image imagetypes.InspectResponse) bool {
	_, pinned := named.(names.Digested)
	return !pinned && len(image.RepoDigests) > 0 && time.Since(image.Metadata.LastTagTime) > baseAge
}
