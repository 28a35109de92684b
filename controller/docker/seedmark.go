package docker

import (
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
	"berth/controller/volume"
)

// A volume that was filled and not yet handed over looks like one that its service has
// written into. So a container that never starts has the volumes mounted from before they
// are filled until they are handed over. What ends in between leaves it, and its volumes
// are handed over by the next start that mounts one of them, or when it is removed.

// whileMarked fills the empty volumes while such a container is there. It stays if fill
// fails.
func (e *Engine) whileMarked(ctx context.Context, options StartOptions, empty []mount.Mount, owner volume.Owner, fill func() error) error {
	if owner.User == 0 {
		return fill()
	}
	labels := e.link.OwnLabels(link.RoleHelper, options.App, options.Release)
	labels[link.LabelSeed] = fmt.Sprintf("%d:%d", owner.User, owner.Group)
	mark, err := e.createLooker(ctx, bare(empty), labels)
	if err != nil {
		return err
	}
	if err := fill(); err != nil {
		e.LeaveHelper(mark)
		return err
	}
	e.DiscardHelper(ctx, mark)
	return nil
}

// resumeSeeds hands over what an earlier start has filled of the mounts' volumes, to the
// user of the service that starts now.
func (e *Engine) resumeSeeds(ctx context.Context, mounts []mount.Mount, owner volume.Owner) error {
	if len(mounts) == 0 {
		return nil
	}
	found, err := e.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: e.link.Owned(link.LabelRole+"="+link.RoleHelper, link.LabelSeed)})
	if err != nil {
		return link.Failure(ctx, "list volumes that are being filled", err)
	}
	for _, mark := range found {
		about := slices.ContainsFunc(mark.Mounts, func(one container.MountPoint) bool {
			return slices.ContainsFunc(mounts, func(wanted mount.Mount) bool { return wanted.Source == one.Name })
		})
		if !about || e.Works(e.link.Summarised(mark).Name) {
			continue
		}
		if err := e.handMarked(ctx, mark.ID, mark.Mounts, owner); err != nil {
			return err
		}
		if err := e.link.Remove(ctx, mark.ID); err != nil {
			return err
		}
	}
	return nil
}

// finishSeed hands over what the container stands for, if it is such a one.
func (e *Engine) finishSeed(ctx context.Context, id string) error {
	found, err := e.link.API(ctx).ContainerInspect(ctx, id)
	if err != nil || found.Config == nil {
		return link.NotFoundIsFine(link.Failure(ctx, "look at helper", err))
	}
	owner, marked := volume.ParseOwner(found.Config.Labels[link.LabelSeed])
	if !marked {
		return nil
	}
	return e.handMarked(ctx, id, found.Mounts, owner)
}

func (e *Engine) handMarked(ctx context.Context, mark string, mounts []container.MountPoint, owner volume.Owner) error {
	for _, one := range mounts {
		if one.Type != mount.TypeVolume {
			continue
		}
		if err := e.hand(ctx, mark, one.Destination, one.Name, owner); err != nil {
			return err
		}
	}
	return nil
}
