package volumes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/volume"
)

const (
	diskEvery    = time.Second      // a look at the disk, which costs nothing
	volumesEvery = 10 * time.Second // a look at who writes; a volume is counted at most so often
	countPace    = time.Minute      // between two counts of a volume that does not grow fast
	countRarely  = 10 * time.Minute // and while the disk does not shrink either
	countWatched = 5 * time.Second  // for one volume; of a larger one a part is known
	lookFor      = 10 * time.Second // for all of one look; the disk is to be looked at again
	leastGrowth  = 1 << 20          // bytes between two counts for which a full disk is blamed on a volume
)

// watch bounds what the apps that run write into their volumes. Docker's local
// volumes have no quota of their own: so they are counted, and who exceeds it is stopped.
type watch struct {
	quota int64       // bytes of a volume that has no quota of its own; 0 is no quota
	disk  docker.Disk // that the volumes lie on, as far as it can be seen

	mu     sync.Mutex // held for one look
	seen   map[volume.Name]watched
	own    map[volume.Name]Record // as of this look
	blamed time.Time              // when an app was stopped because the disk was nearly full
}

// watched is a volume as it was counted last.
type watched struct {
	at    time.Time
	usage volume.Usage
	grown int64  // bytes since the count before; 0 at the first
	free  uint64 // bytes of the disk
}

func newWatch(quota int64, disk docker.Disk) *watch {
	return &watch{quota: quota, disk: disk, seen: make(map[volume.Name]watched)}
}

// Run looks at the volumes until ctx ends: at once where the disk is nearly full.
func (v *Volumes) Run(ctx context.Context) error {
	if v.watch.quota == 0 && v.watch.disk.Free == nil {
		return nil // there is nothing to watch for
	}
	ticker := time.NewTicker(diskEvery)
	defer ticker.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			if now.Sub(last) < volumesEvery && !v.watch.low() {
				continue
			}
			last = now
			if err := v.Look(ctx, now); err != nil && ctx.Err() == nil {
				v.logger.Warn("look at the volumes", "error", err)
			}
		}
	}
}

// Look counts the volumes that are due at the time now, one after the other, and stops
// who writes into one that is over its quota. Where the disk is nearly full it stops who
// writes into the one that grew most. Run looks by itself.
func (v *Volumes) Look(ctx context.Context, now time.Time) error {
	w := v.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	writers, err := v.writersOf(ctx)
	if err != nil {
		return err
	}
	if w.own, err = v.ledger.ListVolumeRecords(ctx); err != nil {
		return err
	}
	v.forgetRoots(ctx, w.own)
	maps.DeleteFunc(w.seen, func(name volume.Name, _ watched) bool { return len(writers[name]) == 0 })
	v.warnings.keepOnly(func(name volume.Name) bool { return len(writers[name]) > 0 })
	began := time.Now()
	for _, name := range w.allDue(writers, now) {
		if time.Since(began) > lookFor {
			break // the next look begins with those that are left
		}
		if err := v.countWriter(ctx, name, now); err != nil {
			v.logger.Debug("count volume", "volume", string(name), "error", err)
			continue
		}
		if err := v.judge(ctx, name, writers[name], now); err != nil {
			v.logger.Warn("compare a volume with its quota", "volume", string(name), "error", err)
		}
	}
	if name := w.blame(now); name != "" {
		w.blamed = now
		v.halt(ctx, writers[name], "", blameWords(name, w.seen[name].usage))
	}
	return nil
}

// blameWords says why what writes into the volume is stopped where the disk is nearly full.
func blameWords(name volume.Name, usage volume.Usage) string {
	what := "the volume " + string(name)
	if _, own := instanceOf(name); own {
		what = "the app's own file system"
	}
	return fmt.Sprintf("The server's disk is nearly full, and %s grew most: it holds %s. Free space, then start the app.", what, sizeWords(usage.Stored))
}

// judge stops who writes into a volume that is over its quota, or warns of it.
func (v *Volumes) judge(ctx context.Context, name volume.Name, writers []writer, now time.Time) error {
	usage := v.watch.seen[name].usage
	stands, err := v.stand(ctx, name, usage.Stored, now)
	if err != nil {
		return err
	}
	fill := fillOf(usage, v.watch.quotaOf(name))
	message, hint := overWords(name, fill)
	if !stands.until.IsZero() {
		var apps []app.Name
		for _, writer := range writers {
			apps = append(apps, writer.app)
		}
		v.warn(name, fill, apps, stands.until)
		return nil
	}
	v.warnings.drop(name)
	if stands.over {
		v.halt(ctx, writers, name, message+" "+hint)
		return v.countHalted(ctx, name, writers, now)
	}
	return nil
}

// countHalted counts a volume once more whose writers were stopped, so that their pages
// also tell what they wrote, or made room for, until they had stopped.
func (v *Volumes) countHalted(ctx context.Context, name volume.Name, writers []writer, now time.Time) error {
	before := v.watch.seen[name].usage.Stored
	if err := v.countWriter(ctx, name, now); err != nil {
		return err
	}
	usage, quota := v.watch.seen[name].usage, v.watch.quotaOf(name)
	if usage.Stored == before {
		return nil
	}
	if usage.Stored <= quota {
		_, err := v.tellRoom(ctx, name, fillOf(usage, quota))
		return err
	}
	message, hint := overWords(name, fillOf(usage, quota))
	var failed []error
	for _, writer := range writers {
		failed = append(failed, v.apps.Reword(ctx, writer.app, name, message+" "+hint))
	}
	return errors.Join(failed...)
}

// writersOf returns the apps that run, and their services that write, by volume.
func (v *Volumes) writersOf(ctx context.Context) (map[volume.Name][]writer, error) {
	apps, _, err := v.ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	writers := make(map[volume.Name][]writer)
	for _, listed := range apps {
		if listed.Live == 0 || listed.Wanted != app.WantedRunning {
			continue
		}
		found, live, err := v.ledger.FindLive(ctx, listed.Name)
		if err != nil || found.Live == 0 {
			continue // it was deleted since
		}
		for name, services := range found.Writers(live) {
			writers[name] = append(writers[name], writer{found.Name, services})
		}
	}
	return writers, nil
}

func (v *Volumes) countWriter(ctx context.Context, name volume.Name, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, countWatched+engineTimeout)
	defer cancel()
	if err := v.measure(ctx, name, countWatched); err != nil {
		if _, own := instanceOf(name); own {
			v.watch.note(name, v.watch.seen[name].usage, now) // the engine may still be walking its files
		}
		return err
	}
	counted, _ := v.book.find(name)
	v.watch.note(name, counted.usage, now)
	return nil
}

// halt stops who writes, for a reason that the pages of the apps show until they are
// started again.
func (v *Volumes) halt(ctx context.Context, writers []writer, of volume.Name, reason string) {
	for _, writer := range writers {
		err := v.apps.Halt(ctx, Halt{App: writer.app, Services: writer.services, Volume: of, Reason: reason})
		if err != nil {
			v.logger.Error("stop an app that fills the disk", "app", string(writer.app), "error", err) // the next look tries again
		}
	}
}

// note enters a count.
func (w *watch) note(name volume.Name, usage volume.Usage, now time.Time) {
	free, _ := w.free()
	entry := watched{at: now, usage: usage, free: free}
	if last, ok := w.seen[name]; ok {
		entry.grown = usage.Stored - last.usage.Stored
	}
	w.seen[name] = entry
}

// allDue are the volumes that are to be counted, the one with the oldest count first.
func (w *watch) allDue(writers map[volume.Name][]writer, now time.Time) []volume.Name {
	var names []volume.Name
	for name := range writers {
		if w.due(name, now) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b volume.Name) int {
		return cmp.Or(w.seen[a].at.Compare(w.seen[b].at), cmp.Compare(a, b))
	})
	return names
}

// due reports whether a volume is to be counted. One that cannot have reached its quota,
// because the disk has not lost that much, is left alone for long: a count takes a helper.
func (w *watch) due(name volume.Name, now time.Time) bool {
	last, known := w.seen[name]
	quota := w.quotaOf(name)
	age, headroom := now.Sub(last.at), quota-last.usage.Stored
	free, seesDisk := w.free()
	_, own := instanceOf(name)
	switch {
	case !known:
		return true
	case age < volumesEvery:
		return false
	case w.low(), quota > 0 && headroom <= last.grown:
		return true
	case seesDisk && quota > 0 && free < last.free && int64(last.free-free) > headroom/2:
		return true
	case seesDisk, own:
		return age >= countRarely
	default:
		return age >= countPace
	}
}

// quotaOf is the quota of a volume as of this look, in bytes; 0 is none.
func (w *watch) quotaOf(name volume.Name) int64 { return cmp.Or(w.own[name].Quota, w.quota) }

// blame names the volume that grew most, where the disk is nearly full; "" where none did
// since one was blamed last.
func (w *watch) blame(now time.Time) (most volume.Name) {
	if !w.low() || now.Sub(w.blamed) < volumesEvery {
		return ""
	}
	grown := int64(leastGrowth)
	for name, entry := range w.seen {
		if entry.grown >= grown && entry.at.After(w.blamed) {
			most, grown = name, entry.grown
		}
	}
	return most
}

// low reports whether less is left of the disk than Berth keeps for itself. Builds end
// somewhat earlier: they come before what runs.
func (w *watch) low() bool {
	free, known := w.free()
	return known && free < w.disk.Reserve/4*3
}

func (w *watch) free() (bytes uint64, known bool) {
	if w.disk.Free == nil {
		return 0, false
	}
	bytes, err := w.disk.Free()
	return bytes, err == nil
}
