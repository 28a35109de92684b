package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/pause"
)

// removalPoll is how often a removal by somebody else is looked at.
const removalPoll = 50 * time.Millisecond

// remove removes a container with its anonymous volumes, and returns when it is gone.
func (l *Link) remove(ctx context.Context, id string) error {
	err := l.api(ctx).ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if !errdefs.IsConflict(err) {
		return notFoundIsFine(failure(ctx, "remove container", err))
	}
	// Somebody else is removing it.
	for {
		if _, err := l.api(ctx).ContainerInspect(ctx, id); err != nil {
			return notFoundIsFine(failure(ctx, "remove container", err))
		}
		if pause.For(ctx, removalPoll) != nil {
			return fmt.Errorf("remove container: %w", context.Cause(ctx))
		}
	}
}

// discard removes a container that must not stay, also when ctx has ended.
func (l *Link) discard(ctx context.Context, id string) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := l.remove(ctx, id); err != nil {
		l.logger.Warn("remove container that did not start", slog.String("container", id), slog.Any("error", err))
	}
}

// removeImages removes the stack's images with the given labels.
func (l *Link) removeImages(ctx context.Context, labels ...string) error {
	images, err := l.api(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: l.owned(labels...)})
	if err != nil {
		return failure(ctx, "list images", err)
	}
	var failures []error
	for _, image := range images {
		failures = append(failures, l.removeImage(ctx, image.ID, image.RepoTags))
	}
	return errors.Join(failures...)
}

// removeImage takes the names first: an image with several is not removed by
// its id without force, and force would take it from under a container.
func (l *Link) removeImage(ctx context.Context, id string, names []string) error {
	for _, name := range append(names, id) {
		if name == "<none>:<none>" {
			continue
		}
		_, err := l.api(ctx).ImageRemove(ctx, name, imagetypes.RemoveOptions{PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) {
			return failure(ctx, "remove image", err)
		}
	}
	l.logger.Debug("removed image", slog.String("image", id))
	return nil
}
