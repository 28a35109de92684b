package volumes

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// PutTar unpacks a tar into a volume, which is made where it is not there: all of the tar,
// or nothing. Each entry keeps the owner, the mode and the time that the tar says. A volume
// that a running app mounts is a Problem of problem.KindConflict, and so is one that holds
// something where the way is volume.Fill.
func (v *Volumes) PutTar(ctx context.Context, name volume.Name, way volume.Way, from io.Reader) error {
	if err := v.uploads.Refuse(); err != nil {
		return err
	}
	if err := v.refuseRunning(ctx, name); err != nil {
		return err
	}
	err := v.Create(ctx, name, "")
	fault, known := errors.AsType[*problem.Problem](err)
	existed := known && errors.Is(fault, docker.ErrVolumeExists)
	if err != nil && !existed {
		return err
	}
	files, err := v.Change(ctx, name)
	if err != nil {
		return err
	}
	err = errors.Join(files.restore(way, from), files.Close())
	if err != nil && !existed {
		// The caller may be gone, and what was made for the tar goes all the same.
		removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineTimeout)
		defer cancel()
		if err := v.keeper.RemoveVolume(removing, name); err != nil {
			v.logger.Warn("remove a volume that was made for a tar", "volume", string(name), "error", err)
		}
	}
	return err
}

// refuseRunning refuses to change a volume below an app that runs or is about to.
func (v *Volumes) refuseRunning(ctx context.Context, name volume.Name) error {
	users, err := v.Users(ctx)
	if err != nil {
		return err
	}
	for _, user := range users[name] {
		found, _, err := v.ledger.FindLive(ctx, user)
		if errors.Is(err, problem.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if found.Wanted == app.WantedRunning {
			return problem.Conflict(
				fmt.Sprintf("The app %s runs with the volume %s.", user, name),
				"Stop the app, then send the tar again.",
			).At("volume")
		}
	}
	return nil
}

func (f *Files) restore(way volume.Way, from io.Reader) error {
	f.measured = way == volume.Replace // what is there makes room
	limit, bound, err := f.roomFor(TarBytes)
	if err != nil {
		return err
	}
	f.changed = true
	// A tar of small files is larger than what they take on the disk.
	o := volume.RestoreOptions{Way: way, Limit: limit + limit/2 + 1<<20}
	return f.outgrown(bound, f.session.Restore(o, func(to io.Writer) error {
		_, err := io.Copy(to, from)
		return err
	}))
}
