package volumes

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/docker"
	"berth/controller/volume"
)

const (
	countFresh   = 30 * time.Second // a count younger than this is shown as it is
	countTimeout = 2 * time.Second  // that a page waits for counts; then it shows what is known
	countFolder  = 10 * time.Second // for a folder that may be deleted; a larger one is counted in part
	countEach    = time.Second      // for one volume; a larger one is counted in part
	countsAtOnce = 4
)

// book remembers what was counted of each volume.
type book struct {
	mu      sync.Mutex
	counted map[volume.Name]taken
}

type taken struct {
	usage volume.Usage
	at    time.Time // zero: it has changed since
}

func newBook() *book {
	return &book{counted: make(map[volume.Name]taken)}
}

func (b *book) find(name volume.Name) (taken, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.counted[name]
	return found, ok
}

// Counted is how much a volume held when it was last counted; it counts nothing itself.
func (v *Volumes) Counted(name volume.Name) (bytes int64, known bool) {
	found, known := v.book.find(name)
	return found.usage.Stored, known
}

func (b *book) put(name volume.Name, usage volume.Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counted[name] = taken{usage, time.Now()}
}

// changed makes the next look count the volume again.
func (b *book) changed(name volume.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found, ok := b.counted[name]; ok {
		found.at = time.Time{}
		b.counted[name] = found
	}
}

func (b *book) forget(name volume.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.counted, name)
}

// countAll counts what was not counted lately. What takes too long keeps its
// older count, or none.
func (v *Volumes) countAll(ctx context.Context, volumes []docker.Volume) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	var counting errgroup.Group
	counting.SetLimit(countsAtOnce)
	for _, one := range volumes {
		if counted, _ := v.book.find(one.Name); time.Since(counted.at) < countFresh {
			continue
		}
		counting.Go(func() error {
			if err := v.count(ctx, one.Name, countEach); err != nil {
				v.logger.Debug("count volume", "volume", string(one.Name), "error", err)
			}
			return nil
		})
	}
	_ = counting.Wait() // none fails
}

// count counts what is in the volume, and removes what is no one's.
func (v *Volumes) count(ctx context.Context, name volume.Name, limit time.Duration) error {
	session, err := v.keeper.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return err
	}
	usage, err := session.Count("", limit)
	if err == nil {
		v.book.put(name, usage)
	}
	if err = errors.Join(err, session.Close()); err != nil || !usage.Leftovers {
		return err
	}
	return v.sweep(ctx, name)
}

// sweep removes what an upload that was cut off has left in the volume.
func (v *Volumes) sweep(ctx context.Context, name volume.Name) error {
	session, err := v.keeper.OpenVolume(ctx, name, docker.ReadWrite)
	if err != nil {
		return err
	}
	v.logger.Info("removing what an upload left", "volume", string(name))
	return errors.Join(session.Sweep(), session.Close())
}
