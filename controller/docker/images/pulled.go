package images

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/link"
)

// Pulls remembers which images this stack had pulled: no other image of a registry is ever
// removed. An engine is named by the ID that it gives itself.
type Pulls interface {
	NotePull(ctx context.Context, engine, image, reference string) error
	// NoteUse says that an image is needed now. It does nothing for one that was not pulled.
	NoteUse(ctx context.Context, engine, image string) error
}

// EngineID is the name that the engine gives itself. It stays as long as its images do.
func (i *Images) EngineID(ctx context.Context) (string, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	info, err := i.link.API(ctx).Info(ctx)
	if err != nil {
		return "", link.Failure(ctx, "read the engine's ID", err)
	}
	return info.ID, nil
}

// imageID is empty where the engine has no image of the name.
func (i *Images) imageID(ctx context.Context, name string) (string, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageInspect(ctx, name)
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	return found.ID, link.Failure(ctx, "inspect image", err)
}

// remember notes what a pull brought, and otherwise that the image is used. An image that
// was there before the pull is not ours. What cannot be noted is never removed.
func (i *Images) remember(ctx context.Context, name, before, after string) {
	if i.Pulls == nil {
		return
	}
	engine, err := i.EngineID(ctx)
	if err == nil && before != after {
		err = i.Pulls.NotePull(ctx, engine, after, name)
	} else if err == nil {
		err = i.Pulls.NoteUse(ctx, engine, after)
	}
	if err != nil {
		i.link.Logger.Warn("remember a pulled image", slog.String("image", name), slog.Any("error", err))
	}
}

// Pulled is an image that came from a registry.
type Pulled struct {
	ID    string
	Bytes int64 // with the layers that other images have too
	// Shared says that the image has a name beside the one that it was pulled by. Somebody
	// gave it that name.
	Shared bool
}

// FindRegistryImage looks an image up that was pulled by the reference; link.ErrNotFound
// where the engine has it no more, or has another in its place that was made here.
func (i *Images) FindRegistryImage(ctx context.Context, id, reference string) (Pulled, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageInspect(ctx, id)
	if err != nil {
		return Pulled{}, link.Failure(ctx, "inspect image", err)
	}
	if len(found.RepoDigests) == 0 || found.Config == nil || found.Config.Labels[link.LabelStack] != "" {
		return Pulled{}, fmt.Errorf("inspect image %s: %w: it is of no registry", id, link.ErrNotFound)
	}
	pulled := Pulled{ID: found.ID, Bytes: found.Size}
	for _, name := range found.RepoTags {
		pulled.Shared = pulled.Shared || name != reference && !strings.HasPrefix(name, "<none>")
	}
	return pulled, nil
}

// RemoveRegistryImage removes an image that FindRegistryImage found. It reports false where
// a container, also a stopped one, or a second name holds the image.
func (i *Images) RemoveRegistryImage(ctx context.Context, id string) (removed bool, err error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	_, err = i.link.API(ctx).ImageRemove(ctx, id, imagetypes.RemoveOptions{}) // no force, so that the engine refuses what is used
	if errdefs.IsConflict(err) {
		return false, nil
	}
	return err == nil, link.NotFoundIsFine(link.Failure(ctx, "remove pulled image", err))
}

// pruneTimeout bounds one removal from the build cache.
const pruneTimeout = 10 * link.ProcessTimeout

// PruneBuildCache removes what no build has used for the hours from the engine's build
// cache, the oldest first, until the rest is not larger than keep bytes. The cache is the
// engine's: what is removed may be of builds that this stack did not make.
func (i *Images) PruneBuildCache(ctx context.Context, hours int, keep int64) (records, bytes int64, err error) {
	ctx, cancel := link.Within(ctx, pruneTimeout)
	defer cancel()
	report, err := i.link.API(ctx).BuildCachePrune(ctx, build.CachePruneOptions{
		KeepStorage: keep, Filters: filters.NewArgs(filters.Arg("until", fmt.Sprintf("%dh", hours))),
	})
	if err != nil {
		return 0, 0, link.Failure(ctx, "remove build cache", err)
	}
	return int64(len(report.CachesDeleted)), int64(report.SpaceReclaimed), nil
}
