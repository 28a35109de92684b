package helper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/link"
	"berth/controller/printable"
	"berth/controller/volume"
)

// volumeDriver is the only one: files on the engine's own disk.
const volumeDriver = "local"

// What a caller can act on.
var (
	// ErrVolumeExists says that the stack has a volume of that name already.
	ErrVolumeExists = errors.New("the volume exists")
	// ErrVolumeInUse says that a container has the volume, also one that is stopped.
	ErrVolumeInUse = errors.New("the volume is in use")
	// ErrForeignVolume says that the volume's name in the engine belongs to
	// something that this stack did not make, or not so: it is left alone.
	ErrForeignVolume = errors.New("the volume's name in the engine belongs to something else")
)

// Volume is a named volume of the stack, as the engine holds it.
type Volume struct {
	Name        volume.Name
	Description string
	CreatedAt   time.Time
	// Users are the instances that have it mounted, running or stopped, by name.
	// A container that is not of the stack is there by its name too.
	Users []string
}

// CreateVolume makes an empty volume. ErrVolumeExists where the stack has it,
// ErrForeignVolume where the engine has another thing of its name.
func (h *Helpers) CreateVolume(ctx context.Context, name volume.Name, description string) error {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	// The engine hands out a volume that is there as if it had just made it.
	_, err := h.InspectVolume(ctx, name)
	if err == nil {
		return fmt.Errorf("create volume %s: %w", name, ErrVolumeExists)
	}
	if !errors.Is(err, link.ErrNotFound) {
		return err
	}
	created, err := h.link.API(ctx).VolumeCreate(ctx, volumetypes.CreateOptions{
		Name:   h.link.VolumeName(name),
		Driver: volumeDriver,
		Labels: map[string]string{
			link.LabelStack: h.link.Stack, link.LabelRole: link.RoleVolume, link.LabelVolume: string(name), link.LabelDescription: description,
		},
	})
	if err != nil {
		return link.Failure(ctx, "create volume", err)
	}
	return h.checkVolume(created, name)
}

// FindVolume looks one volume up. link.ErrNotFound where there is none,
// ErrForeignVolume where something else has its name.
func (h *Helpers) FindVolume(ctx context.Context, name volume.Name) (Volume, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := h.InspectVolume(ctx, name)
	if err != nil {
		return Volume{}, err
	}
	users, err := h.volumeUsers(ctx, filters.Arg("volume", found.Name))
	if err != nil {
		return Volume{}, err
	}
	return volumeOf(found, users[found.Name]), nil
}

// ListVolumes returns the stack's volumes, by name.
func (h *Helpers) ListVolumes(ctx context.Context) ([]Volume, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := h.link.API(ctx).VolumeList(ctx, volumetypes.ListOptions{Filters: h.link.Owned(link.LabelRole + "=" + link.RoleVolume)})
	if err != nil {
		return nil, link.Failure(ctx, "list volumes", err)
	}
	names := make([]filters.KeyValuePair, 0, len(found.Volumes))
	for _, candidate := range found.Volumes {
		names = append(names, filters.Arg("volume", candidate.Name))
	}
	users, err := h.volumeUsers(ctx, names...)
	if err != nil {
		return nil, err
	}
	volumes := make([]Volume, 0, len(found.Volumes))
	for _, candidate := range found.Volumes {
		if candidate == nil || h.checkVolume(*candidate, volume.Name(candidate.Labels[link.LabelVolume])) != nil {
			continue
		}
		volumes = append(volumes, volumeOf(*candidate, users[candidate.Name]))
	}
	slices.SortFunc(volumes, func(a, b Volume) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return volumes, nil
}

// RemoveVolume removes a volume with all that is in it. ErrVolumeInUse where a
// container has it; one that is gone already is fine.
func (h *Helpers) RemoveVolume(ctx context.Context, name volume.Name) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	found, err := h.InspectVolume(ctx, name)
	if err != nil {
		return link.NotFoundIsFine(err)
	}
	err = h.link.API(ctx).VolumeRemove(ctx, found.Name, false)
	if errdefs.IsConflict(err) {
		return fmt.Errorf("remove volume %s: %w: %w", name, ErrVolumeInUse, err)
	}
	return link.NotFoundIsFine(link.Failure(ctx, "remove volume", err))
}

func (h *Helpers) ownsVolume(ctx context.Context, name volume.Name) error {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	_, err := h.InspectVolume(ctx, name)
	return err
}

// InspectVolume is FindVolume in the engine's words, without who has the volume. The
// deadline is the caller's.
func (h *Helpers) InspectVolume(ctx context.Context, name volume.Name) (volumetypes.Volume, error) {
	found, err := h.link.API(ctx).VolumeInspect(ctx, h.link.VolumeName(name))
	if err != nil {
		return volumetypes.Volume{}, link.Failure(ctx, "inspect volume", err)
	}
	return found, h.checkVolume(found, name)
}

// checkVolume refuses what only looks like the stack's volume. Options of the
// driver count too: they can make a volume of any folder of the host.
func (h *Helpers) checkVolume(found volumetypes.Volume, name volume.Name) error {
	ours := found.Name == h.link.VolumeName(name) &&
		found.Driver == volumeDriver && len(found.Options) == 0 &&
		found.Labels[link.LabelStack] == h.link.Stack &&
		found.Labels[link.LabelRole] == link.RoleVolume &&
		found.Labels[link.LabelVolume] == string(name)
	if !ours {
		return fmt.Errorf("volume %s: %w", found.Name, ErrForeignVolume)
	}
	return nil
}

// volumeUsers returns the names of the containers that have one of the volumes, by the
// volume's name in the engine. What works in a volume for a moment is none.
func (h *Helpers) volumeUsers(ctx context.Context, selection ...filters.KeyValuePair) (map[string][]string, error) {
	if len(selection) == 0 {
		return map[string][]string{}, nil // without a selection the engine lists everybody's
	}
	found, err := h.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(selection...)})
	if err != nil {
		return nil, link.Failure(ctx, "list containers", err)
	}
	users := map[string][]string{}
	for _, summary := range found {
		if summary.Labels[link.LabelStack] == h.link.Stack && summary.Labels[link.LabelRole] == link.RoleHelper {
			continue
		}
		for _, mounted := range summary.Mounts {
			if mounted.Name != "" {
				users[mounted.Name] = append(users[mounted.Name], h.link.Summarised(summary).Name)
			}
		}
	}
	return users, nil
}

func volumeOf(found volumetypes.Volume, users []string) Volume {
	slices.Sort(users)
	return Volume{
		Name:        volume.Name(found.Labels[link.LabelVolume]),
		Description: printable.Plain(found.Labels[link.LabelDescription]),
		CreatedAt:   link.EngineTime(found.CreatedAt),
		Users:       slices.Compact(users),
	}
}
