package controller

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
)

// What an operator can choose as the quota of a volume, in bytes.
const (
	LeastVolumeQuota int64 = 16 << 20
	MostVolumeQuota  int64 = 100 << 40
)

// VolumeRecord is what the ledger keeps of a volume beside what the engine tells.
type VolumeRecord struct {
	Quota    int64     // bytes that an operator chose; 0 is the setting's
	Fitted   int64     // the quota that it was last seen within; 0 where it never was
	WarnedAt time.Time // since when it is over a quota that it was never seen within; else zero
}

// volumeLedger is the Ledger's part about volumes.
type volumeLedger interface {
	// FindVolumeRecord returns the zero record where nothing is kept.
	FindVolumeRecord(context.Context, volume.Name) (VolumeRecord, error)
	ListVolumeRecords(context.Context) (map[volume.Name]VolumeRecord, error)
	UpdateVolumeQuota(ctx context.Context, name volume.Name, bytes int64) error
	// NoteVolumeFits keeps that the volume was seen within a quota, and ends its warning.
	NoteVolumeFits(ctx context.Context, name volume.Name, quota int64) error
	NoteVolumeWarned(ctx context.Context, name volume.Name, at time.Time) error
	DeleteVolumeRecord(context.Context, volume.Name) error
	// VolumeQuotasSince returns since when this ledger knows of quotas.
	VolumeQuotasSince(context.Context) (time.Time, error)
}

// ParseVolumeQuota returns the bytes of a size such as 512m or 20g; 0, which nothing and
// "0" are too, is the quota of the setting.
func ParseVolumeQuota(s string) (int64, error) {
	text := strings.TrimSpace(s)
	if text == "" || text == "0" {
		return 0, nil
	}
	bytes, err := units.RAMInBytes(text)
	if err == nil && bytes >= LeastVolumeQuota && bytes <= MostVolumeQuota {
		return bytes, nil
	}
	return 0, problem.Invalid(
		fmt.Sprintf("%.20q is not a quota that a volume can have.", text),
		"Give a size from 16m to 100t, such as 512m or 20g, or nothing for the default.",
	).At("quota").Because(err)
}

// QuotaText is a quota as ParseVolumeQuota reads it, in the largest unit that is exact.
func QuotaText(bytes int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 40, "t"}, {1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}} {
		if bytes > 0 && bytes%unit.bytes == 0 {
			return strconv.FormatInt(bytes/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// UpdateVolumeQuota gives a volume a quota of its own, or with 0 the setting's. One that
// is less than what the volume holds is refused: its apps would be stopped at once. It
// returns the apps that wait for room in it.
func (c *Controller) UpdateVolumeQuota(ctx context.Context, name volume.Name, bytes int64) (waiting []app.Name, err error) {
	if _, err := c.keeper.FindVolume(ctx, name); err != nil {
		return nil, volumeFailure(name, err)
	}
	quota := cmp.Or(bytes, c.watch.quota)
	counting, cancel := context.WithTimeout(ctx, countTimeout+objectTimeout)
	defer cancel()
	if err := c.countVolume(counting, name, countTimeout); err != nil {
		return nil, volumeFailure(name, err)
	}
	counted, _ := c.volumes.find(name)
	if quota > 0 && counted.usage.Stored > quota {
		return nil, problem.Invalid(
			fmt.Sprintf("The volume %s holds %s already.", name, fillOf(counted.usage, quota)),
			"Give a larger quota, or delete files from the volume first.",
		).At("quota")
	}
	if err := c.ledger.UpdateVolumeQuota(ctx, name, bytes); err != nil {
		return nil, err
	}
	if err := c.ledger.NoteVolumeFits(ctx, name, quota); err != nil {
		return nil, err
	}
	c.warnings.drop(name)
	return c.tellRoom(ctx, name, fillOf(counted.usage, quota))
}

// tellRoom makes the pages of the apps that were stopped for the volume say that there
// is room in it, and returns these apps.
func (c *Controller) tellRoom(ctx context.Context, name volume.Name, fill string) (waiting []app.Name, err error) {
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		if !app.HaltedFor(name) {
			continue
		}
		waiting = append(waiting, app.Name)
		reason := fmt.Sprintf("There is room in the volume %s again: it holds %s. Start the app.", name, fill)
		if err := c.rewordHalted(ctx, app.Name, name, reason); err != nil {
			return waiting, err
		}
	}
	return waiting, nil
}
