// Package traces reads what the containers of a stack tell of the apps that they run.
package traces

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
)

// Trace is what one container tells of its app.
type Trace struct {
	link.Instance

	// Record is the text of link.LabelRecord; empty for a container of an earlier Berth.
	Record string
	// Environment are the variables that its image does not set, as NAME=value. The values
	// may be secrets.
	Environment []string
	Mounts      []Mount
	// SecretFiles says that it has secrets as files, which are only in memory.
	SecretFiles bool
}

// Mount is a volume in a container.
type Mount struct {
	Volume   string // the engine's name of it
	Target   string
	ReadOnly bool
}

// Read returns the traces of all instances of the stack, also of those that do not run, by
// app, release and service.
func Read(ctx context.Context, l *link.Link) ([]Trace, error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	instances, err := l.Instances(ctx)
	if err != nil {
		return nil, err
	}
	var all []Trace
	for _, instance := range instances {
		trace, err := read(ctx, l, instance)
		if errors.Is(err, link.ErrNotFound) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, trace)
	}
	slices.SortFunc(all, func(a, b Trace) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func read(ctx context.Context, l *link.Link, instance link.Instance) (Trace, error) {
	found, err := l.API(ctx).ContainerInspect(ctx, instance.ID)
	if err != nil {
		return Trace{}, link.Failure(ctx, "inspect container", err)
	}
	image, err := l.API(ctx).ImageInspect(ctx, found.Image)
	if err != nil {
		return Trace{}, link.Failure(ctx, "inspect image of "+instance.Name, err)
	}
	trace := Trace{Instance: instance, Record: instance.Labels[link.LabelRecord]}
	trace.Image = found.Image
	var inherited []string
	if image.Config != nil {
		inherited = image.Config.Env
	}
	for _, variable := range found.Config.Env {
		if !slices.Contains(inherited, variable) {
			trace.Environment = append(trace.Environment, variable)
		}
	}
	trace.addMounts(l, found.Mounts)
	return trace, nil
}

func (t *Trace) addMounts(l *link.Link, mounts []container.MountPoint) {
	for _, mounted := range mounts {
		switch {
		case mounted.Type != mount.TypeVolume:
		case strings.HasPrefix(mounted.Name, l.VolumeName("")):
			t.Mounts = append(t.Mounts, Mount{mounted.Name, mounted.Destination, !mounted.RW})
		case mounted.Name == t.Name+".secrets":
			t.SecretFiles = true
		}
	}
	slices.SortFunc(t.Mounts, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
}
