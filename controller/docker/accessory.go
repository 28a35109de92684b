package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/link"
)

// AccessoryKind says what an Accessory is.
type AccessoryKind string

// The kinds of things that Berth makes in the engine beside instances, networks and
// the volumes of apps.
const (
	KindKeeper        AccessoryKind = "keeper of secrets"
	KindSecretsVolume AccessoryKind = "volume for secrets" //nolint:gosec // what it is called, not what it holds
	KindFilesImage    AccessoryKind = "image with files"
	KindBuiltImage    AccessoryKind = "built image"
	KindHelper        AccessoryKind = "helper"
)

// Accessory is a thing that was made for a release, and that goes with it.
type Accessory struct {
	Kind     AccessoryKind
	ID       string // a volume's is its name
	App      string // empty for a helper that works in a volume
	Release  int64
	Instance string // whose secrets it keeps; empty for the other kinds

	made string // when, as the engine has it, for a volume: another one may have its name by now
}

// Accessories lists what there is of every kind, but for the helpers of this process
// that are at work, in the order in which they can be removed. Where one list cannot be had, the others are returned beside the
// error.
func (e *Engine) Accessories(ctx context.Context) ([]Accessory, error) {
	var all []Accessory
	var failures []error
	for _, list := range []func(context.Context) ([]Accessory, error){e.listCompanions, e.listSecretsVolumes, e.listMadeImages} {
		listContext, cancel := link.Within(ctx, link.CallTimeout)
		found, err := list(listContext)
		cancel()
		all, failures = append(all, found...), append(failures, err)
	}
	return all, errors.Join(failures...)
}

// RemoveAccessory removes one of Accessories, unless a container uses it: then it
// stays. One that is gone already is fine.
func (e *Engine) RemoveAccessory(ctx context.Context, accessory Accessory) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	var err error
	switch accessory.Kind {
	case KindHelper:
		if err := e.finishSeed(ctx, accessory.ID); err != nil {
			return err
		}
		return e.link.Remove(ctx, accessory.ID)
	case KindKeeper:
		return e.link.Remove(ctx, accessory.ID)
	case KindSecretsVolume:
		err = e.removeSecretsVolumeOf(ctx, accessory)
	case KindFilesImage, KindBuiltImage:
		err = e.RemoveImage(ctx, accessory.ID)
	default:
		return fmt.Errorf("remove %s %s: the kind is not known", accessory.Kind, accessory.ID)
	}
	if errdefs.IsConflict(err) {
		e.link.Logger.Debug("something uses what no release owns", slog.String("kind", string(accessory.Kind)), slog.String("id", accessory.ID))
		return nil
	}
	return link.NotFoundIsFine(err)
}

// listCompanions lists the containers that are no instances.
func (e *Engine) listCompanions(ctx context.Context) ([]Accessory, error) {
	found, err := e.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: e.link.Owned()})
	if err != nil {
		return nil, link.Failure(ctx, "list containers", err)
	}
	var all []Accessory
	for _, summary := range found {
		name := e.link.Summarised(summary).Name
		switch summary.Labels[link.LabelRole] {
		case link.RoleSecrets:
			all = append(all, e.accessory(KindKeeper, summary.ID, name, summary.Labels))
		case link.RoleHelper:
			// One that runs has a process: it ends with it. That may be another than this one,
			// such as a restore.
			if !e.Works(name) && summary.State != container.StateRunning {
				all = append(all, e.accessory(KindHelper, summary.ID, "", summary.Labels))
			}
		}
	}
	return all, nil
}

func (e *Engine) listSecretsVolumes(ctx context.Context) ([]Accessory, error) {
	found, err := e.link.API(ctx).VolumeList(ctx, volumetypes.ListOptions{Filters: e.link.Owned(link.LabelRole + "=" + link.RoleSecrets)})
	if err != nil {
		return nil, link.Failure(ctx, "list volumes for secrets", err)
	}
	all := make([]Accessory, 0, len(found.Volumes))
	for _, volume := range found.Volumes {
		if volume != nil {
			one := e.accessory(KindSecretsVolume, volume.Name, volume.Name, volume.Labels)
			one.made = volume.CreatedAt
			all = append(all, one)
		}
	}
	return all, nil
}

func (e *Engine) listMadeImages(ctx context.Context) ([]Accessory, error) {
	found, err := e.link.API(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: e.link.Owned()})
	if err != nil {
		return nil, link.Failure(ctx, "list images", err)
	}
	var all []Accessory
	for _, image := range found {
		switch image.Labels[link.LabelRole] {
		case link.RoleFiles:
			all = append(all, e.accessory(KindFilesImage, image.ID, "", image.Labels))
		case link.RoleBuild:
			all = append(all, e.accessory(KindBuiltImage, image.ID, "", image.Labels))
		}
	}
	return all, nil
}

func (e *Engine) accessory(kind AccessoryKind, id, name string, labels map[string]string) Accessory {
	release, _ := strconv.ParseInt(labels[link.LabelRelease], 10, 64)
	return Accessory{Kind: kind, ID: id, App: e.link.App(labels), Release: release, Instance: strings.TrimSuffix(name, secretsSuffix)}
}

// removeSecretsVolumeOf removes the volume that was listed, and none that was made
// since under its name.
func (e *Engine) removeSecretsVolumeOf(ctx context.Context, listed Accessory) error {
	found, err := e.link.API(ctx).VolumeInspect(ctx, listed.ID)
	if err != nil {
		return link.Failure(ctx, "inspect volume for secrets", err)
	}
	if found.CreatedAt != listed.made {
		return nil
	}
	return e.removeSecretsVolume(ctx, listed.ID)
}
