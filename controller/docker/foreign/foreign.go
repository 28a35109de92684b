// Package foreign reads volumes and folders of the machine that are not of a stack, through a container that never starts.
//
// Nothing of them is changed: the container mounts them read-only, no file of its image is
// copied into them, and a volume that is not there is not made.
package foreign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
)

const (
	// place is where the container mounts what is read.
	place = "/berth-import"
	// namePrefix is of the containers. Where a program was killed, one may be left: it has
	// never run, and docker rm removes it.
	namePrefix = "berth-import-"
)

// The errors of a Place that cannot be read.
var (
	ErrMissing = errors.New("it is not there")
	ErrNoImage = errors.New("the engine has no image that a container could be made of")
)

// Place is a volume by the engine's name of it, or an absolute path on the engine's machine.
type Place struct{ Volume, Folder string }

// mount is how a container reads the place.
func (p Place) mount() mount.Mount {
	if p.Folder != "" {
		return mount.Mount{Type: mount.TypeBind, Source: p.Folder, Target: place, ReadOnly: true}
	}
	return mount.Mount{
		Type: mount.TypeVolume, Source: p.Volume, Target: place, ReadOnly: true,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true}, // or an empty volume gets what the image has there
	}
}

// isIn reports whether the container has the place.
func (p Place) isIn(c container.Summary) bool {
	return slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool {
		return p.Volume != "" && m.Name == p.Volume || p.Folder != "" && m.Source == p.Folder
	})
}

// Reader reads places by a person's own access to the engine.
type Reader struct{ link *link.Link }

// Open returns the Reader of the engine at the host, as link.Open takes it. It does not
// connect.
func Open(host string) (*Reader, error) {
	to, err := link.Open(host, "", nil)
	if err != nil {
		return nil, err
	}
	return &Reader{to}, nil
}

// Close gives the connections back.
func (r *Reader) Close() error { return r.link.Close() }

// Look proves that a place can be read, and returns the names of the containers that run
// with it, sorted. ErrMissing means that it is not there.
func (r *Reader) Look(ctx context.Context, from Place) (users []string, err error) {
	id, err := r.create(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := r.remove(ctx, id); err != nil {
		return nil, err
	}
	short, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	running, err := r.link.API(short).ContainerList(short, container.ListOptions{})
	if err != nil {
		return nil, link.Failure(short, "list containers", err)
	}
	for _, one := range running {
		if from.isIn(one) && len(one.Names) > 0 {
			users = append(users, strings.TrimPrefix(one.Names[0], "/"))
		}
	}
	slices.Sort(users)
	return users, nil
}

// Tar returns the files of a place as a tar, with the entry "./" for its root. What belongs
// to root there belongs to the user and the group root of the tar; 0 keeps it. The reader must
// be closed, which removes the container.
func (r *Reader) Tar(ctx context.Context, from Place, root int) (io.ReadCloser, error) {
	id, err := r.create(ctx, from)
	if err != nil {
		return nil, err
	}
	stream, err := r.copyOut(ctx, id, ".")
	if err != nil {
		return nil, errors.Join(err, r.remove(ctx, id))
	}
	plain, write := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		again := func(name string) (io.ReadCloser, error) { return r.copyOut(ctx, id, name) }
		_ = write.CloseWithError(rewriting{again, root}.tar(stream, write)) // it always returns nil
	}()
	return &reading{PipeReader: plain, end: func() error {
		err := stream.Close()
		<-done
		return errors.Join(err, r.remove(ctx, id))
	}}, nil
}

// reading is a tar that is read out of a container.
type reading struct {
	*io.PipeReader
	end func() error
}

// Close ends the reading and removes the container.
func (r *reading) Close() error { return errors.Join(r.PipeReader.Close(), r.end()) }

// copyOut reads a file, or "." for all, below the place.
func (r *Reader) copyOut(ctx context.Context, id, name string) (io.ReadCloser, error) {
	stream, _, err := r.link.API(ctx).CopyFromContainer(ctx, id, place+"/"+name)
	if err != nil {
		return nil, link.Failure(ctx, "read files", err)
	}
	return stream, nil
}

// create makes the container, which is never started: it needs an image, and none of its
// programs runs.
func (r *Reader) create(ctx context.Context, from Place) (id string, err error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	if from.Volume != "" { // or the engine would make it
		if _, err := r.link.API(ctx).VolumeInspect(ctx, from.Volume); err != nil {
			return "", missing(link.Failure(ctx, "find volume", err))
		}
	}
	smallest, err := r.smallestImage(ctx)
	if err != nil {
		return "", err
	}
	made, err := r.link.API(ctx).ContainerCreate(
		ctx, &container.Config{Image: smallest, Entrypoint: []string{"/never-started"}},
		&container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{from.mount()}}, nil, nil, namePrefix+randomText(),
	)
	if link.Says(err, "bind source path does not exist") {
		return "", fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return made.ID, link.Failure(ctx, "create container", err)
}

func missing(err error) error {
	if errors.Is(err, link.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return err
}

func (r *Reader) smallestImage(ctx context.Context) (id string, err error) {
	images, err := r.link.API(ctx).ImageList(ctx, image.ListOptions{})
	if err != nil {
		return "", link.Failure(ctx, "list images", err)
	}
	if len(images) == 0 {
		return "", ErrNoImage
	}
	return slices.MinFunc(images, func(a, b image.Summary) int { return int(min(max(a.Size-b.Size, -1), 1)) }).ID, nil
}

// remove removes the container, with the volumes that its image declares. The engine keeps
// what a mount names.
func (r *Reader) remove(ctx context.Context, id string) error {
	ctx, cancel := link.Afterwards(ctx)
	defer cancel()
	err := r.link.API(ctx).ContainerRemove(ctx, id, container.RemoveOptions{RemoveVolumes: true, Force: true})
	return link.NotFoundIsFine(link.Failure(ctx, "remove container", err))
}
