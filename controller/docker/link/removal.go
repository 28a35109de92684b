package link

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

// Remove removes a container with its anonymous volumes, and returns when it is gone.
func (l *Link) Remove(ctx context.Context, id string) error {
	err := l.API(ctx).ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if !errdefs.IsConflict(err) {
		return NotFoundIsFine(Failure(ctx, "remove container", err))
	}
	// Somebody else is removing it.
	for {
		if _, err := l.API(ctx).ContainerInspect(ctx, id); err != nil {
			return NotFoundIsFine(Failure(ctx, "remove container", err))
		}
		if pause.For(ctx, removalPoll) != nil {
			return fmt.Errorf("remove container: %w", context.Cause(ctx))
		}
	}
}

// Discard removes a container that must not stay, also when ctx has ended.
func (l *Link) Discard(ctx context.Context, id string) {
	ctx, cancel := Afterwards(ctx)
	defer cancel()
	if err := l.Remove(ctx, id); err != nil {
		l.Logger.Warn("remove container that did not start", slog.String("container", id), slog.Any("error", err))
	}
}

// RemoveImages removes the stack's images with the given labels.
func (l *Link) RemoveImages(ctx context.Context, labels ...string) error {
	images, err := l.API(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: l.Owned(labels...)})
	if err != nil {
		return Failure(ctx, "list images", err)
	}
	var failures []error
	for _, image := range images {
		failures = append(failures, l.RemoveImage(ctx, image.ID, image.RepoTags))
	}
	return errors.Join(failures...)
}

// RemoveImage takes the names first: an image with several is not removed by
// its id without force, and force would take it from under a container.
func (l *Link) RemoveImage(ctx context.Context, id string, names []string) error {
	for _, name := range append(names, id) {
		if name == "<none>:<none>" {
			continue
		}
		_, err := l.API(ctx).ImageRemove(ctx, name, imagetypes.RemoveOptions{PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) {
			return Failure(ctx, "remove image", err)
		}
	}
	l.Logger.Debug("removed image", slog.String("image", id))
	return nil
}
