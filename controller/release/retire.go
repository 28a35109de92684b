package release

import (
	"context"
	"errors"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
)

// RetireTimeout is for what was superseded, besides the time that its instances have to end.
const RetireTimeout = time.Minute

// retireLater drains and removes the instances of the former release that this one
// does not keep, then its network and the images that are too old for a rollback. If
// it fails, the next reconcile does it.
func (s *shipment) retireLater() {
	c, former := s.Shipper, s.former
	if former.Number == 0 {
		return
	}
	retired := without(former.Instances, s.release.Instances)
	network := NetworkID{App: former.App, Release: former.Network()}
	remove := func() bool {
		// A drain that a shutdown cuts short is finished by the next start's reconcile.
		if pause.For(c.running, drainTime) != nil {
			return false
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.running), RetireTimeout+former.Graces())
		defer cancel()
		failed := c.removeSuperseded(ctx, former, retired, network.Release != s.release.Network())
		if err := c.RemoveOldImages(ctx, former.App); err != nil {
			c.logger.Warn("remove old images", "app", string(former.App), "error", err)
		}
		return failed
	}
	c.Retire(retired, []NetworkID{network}, remove)
}

// removeSuperseded removes instances of a former release, and its network where nothing
// runs on it any more. It goes on after a failure, and reports whether there was one.
func (c *Shipper) removeSuperseded(ctx context.Context, former app.Release, instances []string, network bool) (failed bool) {
	for _, name := range slices.Backward(instances) {
		if err := c.engine.Retire(ctx, name, former.GraceOf(name)); err != nil {
			c.logger.Warn("retire superseded instance", "instance", name, "error", err)
			failed = true
		}
	}
	if network {
		if err := c.engine.RemoveNetwork(ctx, string(former.App), former.Network()); err != nil {
			c.logger.Warn("remove superseded network", "release", former.String(), "error", err)
			failed = true
		}
	}
	return failed
}

// RemoveOldImages removes the images that app.Superfluous names, and the archives that
// they were built from. The app's lock keeps rollbacks from beginning meanwhile.
func (c *Shipper) RemoveOldImages(ctx context.Context, name app.Name) error {
	unlock, err := c.apps.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	releases, err := c.history.ListRunnable(ctx, name)
	if err != nil {
		return err
	}
	old, kept := app.Superfluous(releases, c.keep(ctx))
	var errs []error
	for _, release := range old {
		errs = append(errs, c.removeImagesOf(ctx, release, kept))
	}
	return errors.Join(append(errs, c.forgetArchives(ctx, name))...)
}

// removeImagesOf removes the images of a release but for those that are kept. It
// cannot be run again after that.
func (c *Shipper) removeImagesOf(ctx context.Context, release app.Release, kept map[string]bool) error {
	for _, image := range release.Images() {
		if kept[image] {
			continue
		}
		if err := c.images.RemoveImage(ctx, image); err != nil && !errors.Is(err, docker.ErrNotFound) {
			return err
		}
	}
	release.Image = ""
	return c.ledger.UpdateServices(ctx, release)
}
