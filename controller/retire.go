package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"berth/controller/docker"
)

const retireTimeout = time.Minute

// retiring knows the superseded instances that are being drained, so that a
// reconcile in the meantime does not take them for orphans.
type retiring struct {
	mu    sync.Mutex
	names map[string]int
	all   sync.WaitGroup
}

func newRetiring() *retiring { return &retiring{names: make(map[string]int)} }

func (r *retiring) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name] > 0
}

func (r *retiring) add(names []string, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if r.names[name] += by; r.names[name] <= 0 {
			delete(r.names, name)
		}
	}
}

func (r *retiring) wait() { r.all.Wait() }

// retireLater drains and removes the instances of the release that app was
// before this one, then the images that are too old for a rollback. If it
// fails, the next reconcile does it.
func (s *shipment) retireLater(before App) {
	c := s.Controller
	if before.Live == 0 {
		return
	}
	old, err := c.ledger.FindRelease(c.running, ReleaseID{App: before.Name, Number: before.Live})
	if err != nil {
		c.logger.Warn("find superseded release", "app", string(before.Name), "error", err)
		return
	}
	c.retiring.add(old.Instances, 1)
	c.retiring.all.Go(func() {
		defer c.retiring.add(old.Instances, -1)
		// A drain that a shutdown cuts short is finished by the next start's reconcile.
		if pause(c.running, drainTime) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.running), retireTimeout)
		defer cancel()
		for _, name := range old.Instances {
			if err := c.engine.Retire(ctx, name, stopGrace); err != nil {
				c.logger.Warn("retire superseded instance", "instance", name, "error", err)
				c.requestReconcile()
			}
		}
		if err := c.removeOldImages(ctx, before.Name); err != nil {
			c.logger.Warn("remove old images", "app", string(before.Name), "error", err)
		}
	})
}

// removeOldImages keeps the images of the newest releases that were live once.
func (c *Controller) removeOldImages(ctx context.Context, name AppName) error {
	releases, err := c.ledger.ListReleases(ctx, name)
	if err != nil {
		return err
	}
	var kept []string
	var errs []error
	for _, release := range releases {
		if release.Image == "" || slices.Contains(kept, release.Image) {
			continue
		}
		if len(kept) < imagesKept || release.State.UnderWay() {
			kept = append(kept, release.Image)
			continue
		}
		if err := c.engine.RemoveImage(ctx, release.Image); err != nil && !errors.Is(err, docker.ErrNotFound) {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, c.ledger.UpdateImage(ctx, release.ReleaseID, ""))
	}
	return errors.Join(errs...)
}
