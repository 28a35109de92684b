package controller

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
)

// overQuota says that a volume holds more than it may, or all that it may.
func (c *Controller) overQuota(name volume.Name, usage volume.Usage) *problem.Problem {
	return problem.Full(
		fmt.Sprintf("The volume %s holds %s.", name, c.fillOf(usage)),
		"Delete files from it on its page. The operator can raise the quota of volumes, BERTH_VOLUME_QUOTA.",
	).At("file")
}

// fillOf words what is in a volume beside what may be: "12 GB of 10 GB".
func (c *Controller) fillOf(usage volume.Usage) string {
	words := sizeWords(usage.Stored) + " of " + sizeWords(c.watch.quota)
	if usage.Partial {
		return "more than " + words
	}
	return words
}

// checkRoom refuses to start an app that was writing into a volume that is over its
// quota, until there is room. A volume that cannot be counted refuses nothing.
func (c *Controller) checkRoom(ctx context.Context, live app.Release) error {
	if c.watch.quota == 0 {
		return nil
	}
	for _, run := range live.Runs() {
		for _, name := range run.Written(live) {
			if known, ok := c.volumes.find(name); !ok || known.usage.Stored <= c.watch.quota {
				continue
			}
			if err := c.countVolume(ctx, name, countEach); err != nil {
				c.logger.Warn("count volume", "volume", string(name), "error", err)
				continue
			}
			if now, _ := c.volumes.find(name); now.usage.Stored > c.watch.quota {
				problem := c.overQuota(name, now.usage)
				problem.Field = ""
				return problem
			}
		}
	}
	return nil
}

// roomFor returns how many bytes an upload may bring, at most limit, and whether it is
// the quota that bounds it. A volume without room is a Problem of problem.KindFull.
func (f *VolumeFiles) roomFor(limit int64) (bytes int64, bound bool, err error) {
	quota := f.controller.watch.quota
	if quota == 0 {
		return limit, false, nil
	}
	if !f.measured {
		if f.usage, err = f.session.Count("", countTimeout); err != nil {
			return 0, false, app.VolumeProblem("file", err)
		}
		f.measured = true
	}
	room := quota - f.usage.Stored
	if room <= 0 {
		return 0, true, f.controller.overQuota(f.name, f.usage)
	}
	return min(limit, room), room < limit, nil
}

// outgrown words the end of an upload that the quota has bounded.
func (f *VolumeFiles) outgrown(bound bool, err error) error {
	refusal, ok := errors.AsType[*volume.Refusal](err)
	if !bound || !ok || refusal.Code != volume.TooLarge {
		return app.VolumeProblem("file", err)
	}
	problem := f.controller.overQuota(f.name, f.usage)
	problem.Message += " There is no room for " + refusal.Path + "."
	if refusal.Path == "" {
		problem.Message = fmt.Sprintf("The volume %s holds %s. There is no room for the archive.", f.name, f.controller.fillOf(f.usage))
	}
	return problem
}

// sizeWords is a number of bytes as people read it: "12 GB", "1.5 GB", "300 MB", "4 kB".
func sizeWords(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return strconv.FormatFloat(float64(bytes*10/(1<<30))/10, 'f', -1, 64) + " GB"
	case bytes >= 1<<20:
		return fmt.Sprintf("%d MB", bytes>>20)
	default:
		return fmt.Sprintf("%d kB", (bytes+1023)>>10)
	}
}
