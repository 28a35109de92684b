package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/helper"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/volume"
)

// The engine fills an empty volume with what the image has at its place, and gives it the
// owner that the folder has in the image. Often that is root, and the service is not. So
// Berth lets a container fill the volume that never runs, and gives the volume to the
// user of the service.

// seed fills the service's named volumes that are empty from its image, for its user. The
// instance itself copies nothing then: where the image's folder is empty, it would get
// the owner of that folder again at each start.
func (e *Engine) seed(ctx context.Context, options StartOptions, owner volume.Owner) (StartOptions, error) {
	var wanted []mount.Mount
	mounts := make([]plan.Mount, 0, len(options.Service.Mounts))
	for _, one := range options.Service.Mounts {
		if source := options.Volumes[one.Volume]; !one.NoCopy && source != "" {
			wanted = append(wanted, mount.Mount{Type: mount.TypeVolume, Source: source, Target: one.Target})
		}
		one.NoCopy = true
		mounts = append(mounts, one)
	}
	options.Service.Mounts = mounts
	if err := e.resumeSeeds(ctx, wanted, owner); err != nil {
		return options, err
	}
	empty, err := e.emptyOnes(ctx, wanted)
	if err != nil || len(empty) == 0 {
		return options, err
	}
	return options, e.whileMarked(ctx, options, empty, owner, func() error { return e.fill(ctx, options, empty, owner) })
}

// fill lets the engine fill the empty volumes, and gives them to the owner.
func (e *Engine) fill(ctx context.Context, options StartOptions, empty []mount.Mount, owner volume.Owner) error {
	filler, err := e.CreateHelper(ctx, &container.Config{
		Image: options.Image.ID, Cmd: options.Service.Command, Entrypoint: options.Service.Entrypoint,
		Labels: e.link.OwnLabels(link.RoleHelper, options.App, options.Release),
	}, stillHost(empty))
	if err != nil {
		return startFailure(ctx, "create container to fill volumes", err)
	}
	defer e.DiscardHelper(ctx, filler)
	for _, one := range empty {
		if err := e.hand(ctx, filler, one.Target, one.Source, owner); err != nil {
			return err
		}
	}
	return nil
}

// emptyOnes returns those of the mounts whose volume is empty: by a container of an image
// without content, which is never started.
func (e *Engine) emptyOnes(ctx context.Context, mounts []mount.Mount) ([]mount.Mount, error) {
	if len(mounts) == 0 {
		return nil, nil
	}
	looked := bare(mounts)
	looker, err := e.createLooker(ctx, looked, map[string]string{link.LabelStack: e.link.Stack, link.LabelRole: link.RoleHelper})
	if err != nil {
		return nil, err
	}
	defer e.DiscardHelper(ctx, looker)
	var empty []mount.Mount
	for i, one := range looked {
		_, isEmpty, err := e.folder(ctx, looker, one.Target)
		if err != nil {
			return nil, err
		}
		if isEmpty {
			empty = append(empty, mounts[i])
		}
	}
	return empty, nil
}

// bare mounts the volumes of mounts at places of their own, and fills none.
func bare(mounts []mount.Mount) (made []mount.Mount) {
	for i, one := range mounts {
		one.Target, one.ReadOnly = "/volume"+strconv.Itoa(i), true
		one.VolumeOptions = &mount.VolumeOptions{NoCopy: true}
		made = append(made, one)
	}
	return made
}

// createLooker creates a container without content that has the mounts and never starts.
func (e *Engine) createLooker(ctx context.Context, mounts []mount.Mount, labels map[string]string) (id string, err error) {
	image, err := e.pauseImage(ctx)
	if err != nil {
		return "", err
	}
	id, err = e.CreateHelper(ctx, &container.Config{Image: image, NetworkDisabled: true, Labels: labels}, stillHost(mounts))
	if err != nil {
		return "", startFailure(ctx, "create container to look into volumes", err)
	}
	return id, nil
}

// stillHost confines a container that is not started, with mounts.
func stillHost(mounts []mount.Mount) *container.HostConfig {
	host := helper.StillHost()
	host.Mounts = mounts
	return host
}

// handDeclared gives the volumes to the user of the service that the engine made for the
// container because its image declares them. It has not started yet.
func (e *Engine) handDeclared(ctx context.Context, id string, owner volume.Owner) error {
	if owner.User == 0 {
		return nil
	}
	found, err := e.link.API(ctx).ContainerInspect(ctx, id)
	if err != nil {
		return link.Failure(ctx, "look at volumes of container", err)
	}
	for target, source := range declaredVolumes(found) {
		if err := e.hand(ctx, id, target, source, owner); err != nil {
			return err
		}
	}
	return nil
}

// declaredVolumes are the volumes without a name of a container, by their places.
func declaredVolumes(found container.InspectResponse) map[string]string {
	volumes := make(map[string]string)
	if found.ContainerJSONBase == nil || found.HostConfig == nil {
		return volumes
	}
	for _, wanted := range found.HostConfig.Mounts {
		if wanted.Type != mount.TypeVolume || wanted.Source != "" {
			continue
		}
		for _, made := range found.Mounts {
			if made.Destination == wanted.Target && made.Type == mount.TypeVolume && made.Name != "" {
				volumes[wanted.Target] = made.Name
			}
		}
	}
	return volumes
}

// hand gives a new volume, which the container has at the target, to the owner. A volume
// that is theirs stays as it is, and so does each of root's.
func (e *Engine) hand(ctx context.Context, id, target, source string, owner volume.Owner) error {
	if owner.User == 0 {
		return nil
	}
	has, _, err := e.folder(ctx, id, target)
	if err != nil || has == owner.User {
		return err
	}
	return e.HandOverSource(ctx, source, owner)
}

// folder returns the owner of a folder of a container that was never started, and whether
// nothing is in it.
func (e *Engine) folder(ctx context.Context, id, target string) (owner int, empty bool, err error) {
	stream, _, err := e.link.API(ctx).CopyFromContainer(ctx, id, target)
	if err != nil {
		return 0, false, link.Failure(ctx, "look at "+target, err)
	}
	defer func() { _ = stream.Close() }()
	entries := tar.NewReader(stream)
	top, err := entries.Next()
	if err != nil {
		return 0, false, fmt.Errorf("look at %s: %w", target, err)
	}
	_, err = entries.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("look into %s: %w", target, err)
	}
	return top.Uid, err != nil, nil
}
