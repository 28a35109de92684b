package journal

import (
	"context"
	"time"

	"berth/controller/app"
	"berth/controller/logs/stream"
)

// ageTail is when the newest lines of a log that grows slowly become a frame, so that they can be removed in time.
const ageTail = 24 * time.Hour

// sweep removes what is too old, and what is too much. It is of the goroutine of Run.
func (j *Journal) sweep(ctx context.Context) {
	days := j.options.Days(ctx)
	now := time.Now()
	sizes := make(map[app.Name]int64)
	all := int64(0)
	for name, streams := range j.all() {
		for _, kept := range streams {
			j.warn("keep a log", kept.Age(now.Add(-ageTail)))
			if days > 0 {
				j.warn("remove old lines of a log", kept.CutBefore(now.AddDate(0, 0, -days)))
			}
		}
		sizes[name] = j.shorten(streams, j.options.MostApp)
		all += sizes[name]
	}
	for all > j.options.MostAll {
		largest := largestOf(sizes)
		before := sizes[largest]
		sizes[largest] = j.shorten(j.all()[largest], before-1)
		all -= before - sizes[largest]
		if sizes[largest] >= before {
			return // it cannot be made smaller
		}
	}
}

// all is a copy of what there is.
func (j *Journal) all() map[app.Name][]*stream.Stream {
	j.mu.RLock()
	defer j.mu.RUnlock()
	all := make(map[app.Name][]*stream.Stream, len(j.streams))
	for name, streams := range j.streams {
		for _, kept := range streams {
			all[name] = append(all[name], kept)
		}
	}
	return all
}

// shorten removes the oldest part of the largest stream until all take at most so many
// bytes: a service that prints much displaces its own lines first. It returns what is left.
func (j *Journal) shorten(streams []*stream.Stream, most int64) int64 {
	for {
		var largest *stream.Stream
		sum, size := int64(0), int64(0)
		for _, kept := range streams {
			bytes := kept.Size().Bytes
			sum += bytes
			if bytes > size {
				largest, size = kept, bytes
			}
		}
		if sum <= most || largest == nil {
			return sum
		}
		if removed, err := largest.Cut(); err != nil || removed == 0 {
			j.warn("remove the oldest part of a log", err)
			return sum
		}
	}
}

func largestOf(sizes map[app.Name]int64) app.Name {
	largest, most := app.Name(""), int64(-1)
	for name, size := range sizes {
		if size > most {
			largest, most = name, size
		}
	}
	return largest
}

func (j *Journal) warn(what string, err error) {
	if err != nil {
		j.options.Logger.Warn(what, "error", err)
	}
}

// Retain removes the logs of apps that are not there any more, by their handles, and forgets the containers that are gone.
func (j *Journal) Retain(exists func(app.Name) bool, gone func(instance string) bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for name, streams := range j.streams {
		there := exists(name)
		for _, kept := range streams {
			kept.Forget(gone)
			if !there {
				j.warn("remove the log of an app that is gone", kept.Remove())
			}
		}
		if !there {
			delete(j.streams, name)
			j.warn("remove the logs of an app that is gone", j.root.RemoveAll(string(name)))
		}
	}
}
