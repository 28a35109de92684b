package volumes

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// View is a volume as pages show it.
type View struct {
	app.Volume
	Users        []app.Name // apps that mount it, by name
	Usage        volume.Usage
	HasUsage     bool     // false while it could not be counted
	Quota        int64    // bytes that it may take on the disk; 0 is no quota
	DefaultQuota int64    // of volumes without one of their own
	OwnQuota     bool     // an operator chose it; else it is the setting's
	Warning      *Warning // it is over its quota for now; nil where it is not
}

// List returns every volume, by name. It waits for counts only for a moment.
func (v *Volumes) List(ctx context.Context) ([]View, error) {
	found, err := v.keeper.ListVolumes(ctx)
	if err != nil {
		return nil, Failure("", err)
	}
	return v.views(ctx, found)
}

// Find returns one volume; a missing one is a Problem of problem.KindNotFound.
func (v *Volumes) Find(ctx context.Context, name volume.Name) (View, error) {
	found, err := v.keeper.FindVolume(ctx, name)
	if err != nil {
		return View{}, Failure(name, err)
	}
	views, err := v.views(ctx, []docker.Volume{found})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

func (v *Volumes) views(ctx context.Context, found []docker.Volume) ([]View, error) {
	users, err := v.Users(ctx)
	if err != nil {
		return nil, err
	}
	records, err := v.ledger.ListVolumeRecords(ctx)
	if err != nil {
		return nil, err
	}
	v.countAll(ctx, found)
	views := make([]View, 0, len(found))
	for _, one := range found {
		view := View{
			Volume: app.Volume{Name: one.Name, Description: one.Description, CreatedAt: one.CreatedAt},
			Users:  users[one.Name],
			Quota:  cmp.Or(records[one.Name].Quota, v.watch.quota), OwnQuota: records[one.Name].Quota != 0, DefaultQuota: v.watch.quota,
		}
		if warning, ok := v.warnings.find(one.Name); ok {
			view.Warning = &warning
		}
		counted, ok := v.book.find(one.Name)
		view.Usage, view.HasUsage = counted.usage, ok
		views = append(views, view)
	}
	return views, nil
}

// Users returns the apps that mount each volume, now or with the release
// that is on its way.
func (v *Volumes) Users(ctx context.Context) (map[volume.Name][]app.Name, error) {
	apps, latest, err := v.ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	users := make(map[volume.Name][]app.Name)
	for _, found := range apps {
		mounts := slices.Clone(found.Mounts)
		release := latest[found.Name]
		if release != nil && (release.State.UnderWay() || release.State == app.ReleaseLive) {
			mounts = append(mounts, release.AllMounts()...)
		}
		if found.Live != 0 && (release == nil || release.Number != found.Live) {
			live, err := v.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
			if err != nil && !errors.Is(err, problem.ErrNotFound) {
				return nil, err
			}
			mounts = append(mounts, live.AllMounts()...)
		}
		for _, mount := range mounts {
			if !slices.Contains(users[mount.Volume], found.Name) {
				users[mount.Volume] = append(users[mount.Volume], found.Name)
			}
		}
	}
	return users, nil
}
