package volumes

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
)

// Record is what the ledger keeps of a volume beside what the engine tells.
type Record struct {
	Quota    int64     // bytes that an operator chose; 0 is the setting's
	Fitted   int64     // the quota that it was last seen within; 0 where it never was
	WarnedAt time.Time // since when it is over a quota that it was never seen within; else zero
}

// Ledger keeps the quotas of volumes, and tells which apps use them. Every method is one
// transaction.
type Ledger interface {
	ListApps(context.Context) ([]app.App, error) // by name
	// ListOverview returns every app by name, and the newest release of each, to be
	// read only.
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
	// FindRelease returns problem.ErrNotFound where there is none.
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	// FindLive returns an app and its live release, if any, to be read only. It returns
	// problem.ErrNotFound where there is no such app.
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
	// FindVolumeRecord returns the zero record where nothing is kept.
	FindVolumeRecord(context.Context, volume.Name) (Record, error)
	ListVolumeRecords(context.Context) (map[volume.Name]Record, error)
	UpdateVolumeQuota(ctx context.Context, name volume.Name, bytes int64) error
	// NoteVolumeFits keeps that the volume was seen within a quota, and ends its warning.
	NoteVolumeFits(ctx context.Context, name volume.Name, quota int64) error
	NoteVolumeWarned(ctx context.Context, name volume.Name, at time.Time) error
	DeleteVolumeRecord(context.Context, volume.Name) error
	// VolumeQuotasSince returns since when this ledger knows of quotas.
	VolumeQuotasSince(context.Context) (time.Time, error)
}

// UpdateQuota gives a volume a quota of its own, or with 0 the setting's. One that
// is less than what the volume holds is refused: its apps would be stopped at once. It
// returns the apps that wait for room in it.
func (v *Volumes) UpdateQuota(ctx context.Context, name volume.Name, bytes int64) (waiting []app.Name, err error) {
	if _, err := v.keeper.FindVolume(ctx, name); err != nil {
		return nil, Failure(name, err)
	}
	quota := cmp.Or(bytes, v.watch.quota)
	counting, cancel := context.WithTimeout(ctx, countTimeout+engineTimeout)
	defer cancel()
	if err := v.count(counting, name, countTimeout); err != nil {
		return nil, Failure(name, err)
	}
	counted, _ := v.book.find(name)
	if quota > 0 && counted.usage.Stored > quota {
		return nil, problem.Invalid(
			fmt.Sprintf("The volume %s holds %s already.", name, fillOf(counted.usage, quota)),
			"Give a larger quota, or delete files from the volume first.",
		).At("quota")
	}
	if err := v.ledger.UpdateVolumeQuota(ctx, name, bytes); err != nil {
		return nil, err
	}
	if err := v.ledger.NoteVolumeFits(ctx, name, quota); err != nil {
		return nil, err
	}
	v.warnings.drop(name)
	return v.tellRoom(ctx, name, fillOf(counted.usage, quota))
}

// tellRoom makes the pages of the apps that were stopped for the volume say that there
// is room in it, and returns these apps.
func (v *Volumes) tellRoom(ctx context.Context, name volume.Name, fill string) (waiting []app.Name, err error) {
	apps, err := v.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		if !app.HaltedFor(name) {
			continue
		}
		waiting = append(waiting, app.Name)
		reason := fmt.Sprintf("There is room in the volume %s again: it holds %s. Start the app.", name, fill)
		if err := v.apps.Reword(ctx, app.Name, name, reason); err != nil {
			return waiting, err
		}
	}
	return waiting, nil
}
