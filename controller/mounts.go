package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"berth/controller/docker"
)

// displaced knows the live instances that were stopped so that a release which
// shares their volumes can be proven: the reconciler must not start them.
type displaced struct {
	mu    sync.Mutex
	names map[string]bool
}

func newDisplaced() *displaced { return &displaced{names: make(map[string]bool)} }

func (d *displaced) has(names ...string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(names, func(name string) bool { return d.names[name] })
}

func (d *displaced) set(names []string, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if on {
			d.names[name] = true
		} else {
			delete(d.names, name)
		}
	}
}

// UpdateMounts gives the app other volumes. As with UpdateSettings, its live
// image is run again with them as a release of its own; where there is nothing
// to run, the zero Release is returned.
func (c *Controller) UpdateMounts(ctx context.Context, name AppName, mounts []Mount, by string) (Release, error) {
	if err := CheckMounts(mounts); err != nil {
		return Release{}, err
	}
	app, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return Release{}, err
	}
	defer unlock()
	switch {
	case app.Live != 0 && !slices.Equal(live.Mounts, mounts):
		wish := rerunOf(live, by)
		wish.Settings, wish.Mounts, wish.NewSettings = app.Settings, mounts, true
		return c.queueRerun(ctx, app, wish)
	case !slices.Equal(app.Mounts, mounts):
		err := c.holdingVolumes(ctx, mounts, func() error { return c.ledger.UpdateMounts(ctx, name, mounts) })
		c.notices.notify(name)
		return Release{}, claimProblem(err, app)
	default:
		return Release{}, nil
	}
}

// holdingVolumes makes sure that the volumes are there, and that none is deleted
// while write puts them into the ledger.
func (c *Controller) holdingVolumes(ctx context.Context, mounts []Mount, write func() error) error {
	if len(mounts) == 0 {
		return write()
	}
	c.volumes.mounting.Lock()
	defer c.volumes.mounting.Unlock()
	for _, mount := range mounts {
		_, err := c.keeper.FindVolume(ctx, mount.Volume)
		if problem, ok := errors.AsType[*Problem](volumeFailure(mount.Volume, err)); ok && problem.Kind == KindNotFound {
			problem.Kind = KindInvalid
			return problem
		}
		if err != nil {
			return volumeFailure(mount.Volume, err)
		}
	}
	return write()
}

// prepareVolumes makes the roots of empty volumes writable for the app's user, and
// notes which volumes are another's.
func (s *shipment) prepareVolumes(ctx context.Context, image docker.Image) error {
	if len(s.release.Mounts) == 0 {
		return nil
	}
	var err error
	if s.owner, err = s.ownerFor(ctx, image, s.release.Settings); err != nil {
		return err
	}
	s.foreign = nil
	for _, mount := range s.release.Mounts {
		if err := s.prepareVolume(ctx, mount); err != nil {
			return volumeFailure(mount.Volume, err)
		}
	}
	return nil
}

func (s *shipment) prepareVolume(ctx context.Context, mount Mount) error {
	if mount.ReadOnly {
		_, err := s.keeper.FindVolume(ctx, mount.Volume)
		return err
	}
	was, err := s.keeper.FindRootOwner(ctx, mount.Volume)
	if err != nil || was == s.owner {
		return err
	}
	s.foreign = append(s.foreign, mount)
	return s.keeper.EnsureOwner(ctx, mount.Volume, s.owner)
}

// displace stops the live instances where the release writes into a volume that
// they write into: two at once would spoil it. restore starts them again.
func (s *shipment) displace(ctx context.Context) error {
	if s.app.Live == 0 {
		return nil
	}
	unlock, err := s.apps.lock(ctx, s.app.Name)
	if err != nil {
		return err
	}
	defer unlock()
	app, err := s.ledger.FindApp(ctx, s.app.Name)
	if err != nil {
		return err
	}
	live, err := s.ledger.FindRelease(ctx, ReleaseID{App: app.Name, Number: app.Live})
	if err != nil || app.Wanted != WantedRunning || !shareWritten(s.release.Mounts, live.Mounts) {
		return err
	}
	s.log.say("stopping r%d: it writes into a volume that r%d writes into, and they must not do so at once", live.Number, s.release.Number)
	s.stopped = live.Instances
	s.displaced.set(s.stopped, true)
	for _, name := range s.stopped {
		if err := s.engine.Stop(ctx, name, stopGrace); err != nil && !errors.Is(err, docker.ErrNotFound) {
			return fmt.Errorf("stop %s: %w", live, err)
		}
	}
	return nil
}

// restore starts what displace stopped, once the release's own instances are gone.
func (s *shipment) restore(ctx context.Context) {
	if len(s.stopped) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for _, name := range s.release.Instances {
		if err := s.engine.Retire(ctx, name, stopGrace); err != nil {
			s.logger.Error("retire instance before the old one starts", "instance", name, "error", err)
		}
	}
	unlock, err := s.apps.lock(ctx, s.app.Name)
	if err != nil {
		return
	}
	defer unlock()
	stopped := s.stopped
	s.stopped = nil
	defer s.requestReconcile() // for what could not be started here
	defer s.displaced.set(stopped, false)
	app, err := s.ledger.FindApp(ctx, s.app.Name)
	if err != nil || app.Wanted != WantedRunning {
		return
	}
	s.log.say("starting r%d again", app.Live)
	for _, name := range stopped {
		if err := s.engine.Resume(ctx, name); err != nil {
			s.logger.Error("start displaced instance", "instance", name, "error", err)
		}
	}
	s.observeInstance(ctx, app.Name, stopped)
}

// leave ends the release's hold on what it displaced, once it is live itself.
func (s *shipment) leave() {
	s.displaced.set(s.stopped, false)
	s.stopped = nil
}

// shareWritten reports whether both write into one volume.
func shareWritten(a, b []Mount) bool {
	return slices.ContainsFunc(a, func(one Mount) bool {
		return !one.ReadOnly && slices.ContainsFunc(b, func(other Mount) bool {
			return !other.ReadOnly && other.Volume == one.Volume
		})
	})
}

// engineMounts is how the mounts reach the engine.
func engineMounts(mounts []Mount) []docker.Mount {
	var made []docker.Mount
	for _, mount := range mounts {
		made = append(made, docker.Mount{Volume: mount.Volume, Target: mount.Target, ReadOnly: mount.ReadOnly})
	}
	return made
}

// busyReplacing refuses what a person asks of instances that stand still for a release.
func busyReplacing(name AppName) error {
	return &Problem{
		Kind: KindConflict, Message: fmt.Sprintf("A release of %s is taking over at this moment.", name),
		Hint: "Wait until it is live or has failed; its page says how far it is.",
	}
}
