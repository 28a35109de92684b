package volumes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
)

// overQuota says that a volume holds more than it may, or all that it may.
func overQuota(name volume.Name, usage volume.Usage, quota int64) *problem.Problem {
	return problem.Full(
		fmt.Sprintf("The volume %s holds %s.", name, fillOf(usage, quota)),
		"Delete files from it, or give it a larger quota, on its page.",
	).At("file")
}

// noRoom refuses to start what wrote into a volume that is over its quota.
func noRoom(name volume.Name, usage volume.Usage, quota int64) *problem.Problem {
	message, hint := overWords(name, fillOf(usage, quota))
	return problem.Full(message, hint)
}

// CheckRoom refuses to start an app that was writing into a volume that is over its
// quota, until there is room. A volume that cannot be counted refuses nothing.
func (v *Volumes) CheckRoom(ctx context.Context, live app.Release) error {
	for _, run := range live.Services {
		for _, name := range run.Watched(live) {
			quota, err := v.quotaOf(ctx, name)
			if err != nil {
				return err
			}
			if known, ok := v.book.find(name); quota == 0 || !ok || known.usage.Stored <= quota {
				continue
			}
			if err := v.measure(ctx, name, countEach); err != nil {
				v.logger.Warn("count volume", "volume", string(name), "error", err)
				continue
			}
			now, _ := v.book.find(name)
			if stands, err := v.stand(ctx, name, now.usage.Stored, time.Now()); err != nil || stands.over {
				return errors.Join(err, noRoom(name, now.usage, quota))
			}
		}
	}
	return nil
}

// roomFor returns how many bytes an upload may bring, at most limit, and whether it is
// the quota that bounds it. A volume without room is a Problem of problem.KindFull.
func (f *Files) roomFor(limit int64) (bytes int64, bound bool, err error) {
	if f.quota == 0 {
		return limit, false, nil
	}
	if !f.measured {
		if f.usage, err = f.session.Count("", countTimeout); err != nil {
			return 0, false, app.VolumeProblem("file", err)
		}
		f.measured = true
	}
	room := f.quota - f.usage.Stored
	if room <= 0 {
		return 0, true, overQuota(f.name, f.usage, f.quota)
	}
	return min(limit, room), room < limit, nil
}

// outgrown words the end of an upload that the quota has bounded.
func (f *Files) outgrown(bound bool, err error) error {
	refusal, ok := errors.AsType[*volume.Refusal](err)
	if !bound || !ok || refusal.Code != volume.TooLarge {
		return app.VolumeProblem("file", err)
	}
	problem := overQuota(f.name, f.usage, f.quota)
	problem.Message += " There is no room for " + refusal.Path + "."
	if refusal.Path == "" {
		problem.Message = fmt.Sprintf("The volume %s holds %s. There is no room for the archive.", f.name, fillOf(f.usage, f.quota))
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
