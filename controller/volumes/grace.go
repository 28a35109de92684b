package volumes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/volume"
)

// quotaGrace is how long an app goes on that writes into a volume which was over its
// quota before there was one, or before the setting was lowered: nobody has done wrong,
// and a person can make room or choose another quota.
const quotaGrace = 7 * 24 * time.Hour

// Warning is a volume over its quota whose apps are stopped if nothing is done, or
// the file system of an app that holds more than the setting's.
type Warning struct {
	Volume volume.Name // as the watch names it
	Fill   string      // such as "12 GB of 10 GB"
	Apps   []app.Name
	Until  time.Time
}

// OwnFiles reports whether it is about the file system of an app, and no volume.
func (w Warning) OwnFiles() bool {
	_, own := instanceOf(w.Volume)
	return own
}

// warnings is what the last look of the watch found, by volume.
type warnings struct {
	mu    sync.Mutex
	known []Warning
}

// Warnings returns the volumes that are over their quota for now, by name.
func (v *Volumes) Warnings() []Warning {
	v.warnings.mu.Lock()
	defer v.warnings.mu.Unlock()
	return slices.Clone(v.warnings.known)
}

func (w *warnings) find(name volume.Name) (Warning, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.IndexFunc(w.known, func(known Warning) bool { return known.Volume == name })
	if at < 0 {
		return Warning{}, false
	}
	return w.known[at], true
}

func (w *warnings) enter(warning Warning) {
	w.drop(warning.Volume)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = append(w.known, warning)
	slices.SortFunc(w.known, func(a, b Warning) int { return cmp.Compare(a.Volume, b.Volume) })
}

func (w *warnings) drop(name volume.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = slices.DeleteFunc(w.known, func(known Warning) bool { return known.Volume == name })
}

// keepOnly drops the warnings of volumes that are not named.
func (w *warnings) keepOnly(keep func(volume.Name) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = slices.DeleteFunc(w.known, func(known Warning) bool { return !keep(known.Volume) })
}

// standing is how a volume stands to its quota.
type standing struct {
	over  bool      // nothing may write into it any more
	until time.Time // it is over, and has time until then; else zero
}

// stand says how a volume stands, and keeps in the ledger what later looks need.
func (v *Volumes) stand(ctx context.Context, name volume.Name, stored int64, now time.Time) (standing, error) {
	record, err := v.ledger.FindVolumeRecord(ctx, name)
	if err != nil {
		return standing{}, err
	}
	quota := cmp.Or(record.Quota, v.watch.quota)
	switch {
	case quota == 0:
		return standing{}, nil
	case stored <= quota:
		if record.Fitted == quota && record.WarnedAt.IsZero() {
			return standing{}, nil
		}
		return standing{}, v.ledger.NoteVolumeFits(ctx, name, quota)
	case record.Fitted != 0 && record.Fitted <= quota:
		return standing{over: true}, nil // it has grown
	}
	if record.WarnedAt.IsZero() {
		if old, err := v.mayBeOld(ctx, name, record); err != nil || !old {
			return standing{over: err == nil}, err
		}
		record.WarnedAt = now
		if err := v.ledger.NoteVolumeWarned(ctx, name, now); err != nil {
			return standing{}, err
		}
	}
	until := record.WarnedAt.Add(quotaGrace)
	if now.Before(until) {
		return standing{until: until}, nil
	}
	return standing{over: true}, nil
}

// mayBeOld reports whether the volume may have been over its quota before there was one,
// or before the setting was lowered.
func (v *Volumes) mayBeOld(ctx context.Context, name volume.Name, record Record) (bool, error) {
	if record.Fitted != 0 {
		return true, nil
	}
	since, err := v.ledger.VolumeQuotasSince(ctx)
	if err != nil {
		return false, err
	}
	made, err := v.madeAt(ctx, name)
	return err == nil && made.Before(since), err
}

// warn shows and logs that a volume has time until its apps are stopped.
func (v *Volumes) warn(name volume.Name, fill string, apps []app.Name, until time.Time) {
	if _, known := v.warnings.find(name); !known {
		v.logger.Warn("a volume was over its quota before it was watched", "volume", string(name), "holds", fill,
			"stops_apps_at", until.UTC().Format(time.RFC3339), "hint", "delete files from it or give it a larger quota, on its page")
	}
	v.warnings.enter(Warning{Volume: name, Fill: fill, Apps: apps, Until: until})
}

// fillOf words what is in a volume beside what may be: "12 GB of 10 GB".
func fillOf(usage volume.Usage, quota int64) string {
	words := fmt.Sprintf("%s of %s", sizeWords(usage.Stored), sizeWords(quota))
	if usage.Partial {
		return "more than " + words
	}
	return words
}

// quotaOf is the quota of a volume in bytes; 0 is none.
func (v *Volumes) quotaOf(ctx context.Context, name volume.Name) (int64, error) {
	record, err := v.ledger.FindVolumeRecord(ctx, name)
	return cmp.Or(record.Quota, v.watch.quota), err
}
