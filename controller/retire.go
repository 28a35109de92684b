package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"berth/controller/docker"
	"berth/controller/pause"
)

// retireTimeout is for what was superseded, besides the time that its instances have to end.
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

// retireLater drains and removes the instances of the former release that this one
// does not keep, then its network and the images that are too old for a rollback. If
// it fails, the next reconcile does it.
func (s *shipment) retireLater() {
	c, former := s.Controller, s.former
	if former.Number == 0 {
		return
	}
	retired := without(former.Instances, s.release.Instances)
	network := former.network()
	book := append(slices.Clone(retired), networkKey(former.App, network))
	c.retiring.add(book, 1)
	c.retiring.all.Go(func() {
		defer c.retiring.add(book, -1)
		// A drain that a shutdown cuts short is finished by the next start's reconcile.
		if pause.For(c.running, drainTime) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.running), retireTimeout+former.graces())
		defer cancel()
		for _, name := range slices.Backward(retired) {
			if err := c.engine.Retire(ctx, name, former.graceOf(name)); err != nil {
				c.logger.Warn("retire superseded instance", "instance", name, "error", err)
				c.requestReconcile()
			}
		}
		if network != s.release.network() {
			if err := c.engine.RemoveNetwork(ctx, string(former.App), network); err != nil {
				c.logger.Warn("remove superseded network", "release", former.String(), "error", err)
				c.requestReconcile()
			}
		}
		if err := c.forgetArchive(ctx, former, former.Archive != s.release.Archive); err != nil {
			c.logger.Warn("clear archive", "release", former.String(), "error", err)
		}
		if err := c.removeOldImages(ctx, former.App); err != nil {
			c.logger.Warn("remove old images", "app", string(former.App), "error", err)
		}
	})
}

// networkKey names a network among the names of what is retiring.
func networkKey(app AppName, release int64) string {
	return fmt.Sprintf("network of %s r%d", app, release)
}

// removeOldImages keeps the images of the newest releases that were live once, and of
// what is under way. The app's lock keeps rollbacks from beginning meanwhile.
func (c *Controller) removeOldImages(ctx context.Context, name AppName) error {
	unlock, err := c.apps.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	releases, err := c.ledger.ListRunnable(ctx, name)
	if err != nil {
		return err
	}
	kept, count := make(map[string]bool), 0
	var old []Release
	for _, release := range releases {
		if !kept[release.Image] && count >= imagesKept && !release.State.UnderWay() {
			old = append(old, release)
			continue
		}
		if !kept[release.Image] {
			count++
		}
		for _, image := range release.images() {
			kept[image] = true
		}
	}
	var errs []error
	for _, release := range old {
		errs = append(errs, c.removeImagesOf(ctx, release, kept))
	}
	return errors.Join(errs...)
}

// removeImagesOf removes the images of a release but for those that are kept. It
// cannot be run again after that.
func (c *Controller) removeImagesOf(ctx context.Context, release Release, kept map[string]bool) error {
	for _, image := range release.images() {
		if kept[image] {
			continue
		}
		if err := c.engine.RemoveImage(ctx, image); err != nil && !errors.Is(err, docker.ErrNotFound) {
			return err
		}
	}
	return c.ledger.UpdateImage(ctx, release.ReleaseID, "")
}
