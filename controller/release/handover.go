package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// handTimeout is for all volumes of a service: millions of files take minutes.
const handTimeout = 10 * time.Minute

// VolumeOwners gives volumes to the users that services run as. docker.Engine is the one
// there is.
type VolumeOwners interface {
	FindVolume(ctx context.Context, name volume.Name) (docker.Volume, error)
	EnsureOwner(ctx context.Context, name volume.Name, owner volume.Owner) error
	// HandOver gives the volume to owner with what its former owner has in it.
	HandOver(ctx context.Context, name volume.Name, owner volume.Owner, told func(entries int64)) (volume.Handed, error)
	FindRootOwner(ctx context.Context, name volume.Name) (volume.Owner, error)
	FindOwner(ctx context.Context, imageID, user string) (volume.Owner, error)
}

// handVolumes gives the app's own volumes that prepareVolumes found to be another's
// to the user that the service runs as, with the files that came in before: what was
// uploaded, or what a release of another user wrote. It comes after displace: nobody
// writes meanwhile.
//
// What several apps mount, and what a service changes as root, stays as it is; so do
// the volumes of a compose file, where a database has files of several users.
func (s *shipment) handVolumes(ctx context.Context, service *shipped) error {
	foreign := slices.DeleteFunc(slices.Clone(service.Mounts(s.release)), func(m app.Mount) bool { return !service.foreign[m.Volume] })
	return s.handMounts(ctx, foreign, service.owner)
}

// ownerOf is the user that an instance of the image runs as, as docker.Start has it.
func (s *shipment) ownerOf(ctx context.Context, service plan.Service, image docker.Image) (volume.Owner, error) {
	policy, err := service.Policy(image.User)
	if err != nil {
		return volume.Owner{}, problem.Refused("archive", err)
	}
	owner, err := s.owners.FindOwner(ctx, image.ID, policy.User)
	if err == nil && owner.User == 0 && !service.Waivers.RunsAsRoot() {
		owner = volumes.Nobody()
	}
	return owner, err
}

func (s *shipment) handMounts(ctx context.Context, mounts []app.Mount, owner volume.Owner) error {
	if owner.User == 0 || len(mounts) == 0 {
		return nil // root can give files away itself, and its image may have done so
	}
	ctx, cancel := context.WithTimeout(ctx, handTimeout)
	defer cancel()
	users, err := s.volumes.Users(ctx)
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if mount.ReadOnly {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(users[mount.Volume]), func(app app.Name) bool { return app == s.app.Name })
		if err := s.handVolume(ctx, mount.Volume, owner, others); err != nil {
			return volumes.Failure(mount.Volume, err)
		}
	}
	return nil
}

func (s *shipment) handVolume(ctx context.Context, name volume.Name, owner volume.Owner, others []app.Name) error {
	was, err := s.owners.FindRootOwner(ctx, name)
	if err != nil || was == owner {
		return err
	}
	if len(others) > 0 {
		s.log.Say("the volume %s belongs to the user %d and stays theirs, because %s has it too; this app runs as %d, and may be unable to write into it",
			name, was.User, others[0], owner.User)
		return nil
	}
	s.log.Say("the volume %s belongs to the user %d; giving it to %d, which this app runs as", name, was.User, owner.User)
	handed, err := s.owners.HandOver(ctx, name, owner, func(entries int64) {
		s.log.Say("%d entries so far", entries)
	})
	if err != nil {
		return err
	}
	s.log.Say("the volume %s belongs to the app now, with %d files and folders", name, handed.Entries)
	return nil
}

// giveBack gives volumes back to the user of the live release, after one that
// runs as another user has failed.
func (s *shipment) giveBack(ctx context.Context) {
	if err := s.giveBackToLive(ctx); err != nil {
		s.log.Say("the volumes could not be given back to the user of the live release")
		s.logger.Error("give volumes back", "release", s.release.String(), "error", err)
	}
}

func (s *shipment) giveBackToLive(ctx context.Context) error {
	if len(s.release.Mounts) == 0 {
		return nil
	}
	found, err := s.history.FindApp(ctx, s.release.App)
	if errors.Is(err, problem.ErrNotFound) || err == nil && found.Live == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	live, err := s.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
	if err != nil {
		return err
	}
	run := live.MainRun()
	taken := slices.DeleteFunc(slices.Clone(run.Mounts(live)), func(m app.Mount) bool {
		return m.ReadOnly || !slices.ContainsFunc(s.release.Mounts, func(own app.Mount) bool { return own.Volume == m.Volume && !own.ReadOnly })
	})
	if len(taken) == 0 {
		return nil
	}
	image, err := s.images.FindImage(ctx, run.Image)
	if err != nil {
		return fmt.Errorf("find image of %s: %w", live.ReleaseID, err)
	}
	owner, err := s.ownerOf(ctx, run.Spec, image)
	if err != nil {
		return err
	}
	return s.handMounts(ctx, taken, owner)
}
