package release

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/volume"
	"berth/controller/volumes"
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

// prepareVolumes makes the volumes of the compose file that are not there yet, and
// the roots of empty volumes writable for the user of who mounts them. It notes which
// volumes are another's.
func (p *planned) prepareVolumes(ctx context.Context) error {
	for i := range p.services {
		if service := &p.services[i]; service.KeptFrom == 0 {
			if err := p.prepareVolumesOf(ctx, service); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planned) prepareVolumesOf(ctx context.Context, service *shipped) error {
	mounts := slices.Clone(service.Mounts(p.release))
	for _, mount := range service.Spec.Mounts {
		name := p.release.OwnVolume(mount.Volume)
		// Nobody deletes it from here on: the ledger says that the release mounts it.
		if err := p.volumes.Ensure(ctx, name, fmt.Sprintf("of %s, by its compose file", p.app.Name)); err != nil {
			return err
		}
		mounts = append(mounts, app.Mount{Volume: name, ReadOnly: mount.ReadOnly})
	}
	if len(mounts) == 0 {
		return nil
	}
	var err error
	if service.owner, err = p.ownerOf(ctx, service.Spec, service.image); err != nil {
		return p.ofService(service, err)
	}
	service.foreign = make(map[volume.Name]bool)
	for _, mount := range mounts {
		if err := p.prepareVolume(ctx, service, mount); err != nil {
			return volumes.Failure(mount.Volume, err)
		}
	}
	return nil
}

func (s *shipment) prepareVolume(ctx context.Context, service *shipped, mount app.Mount) error {
	if mount.ReadOnly {
		_, err := s.owners.FindVolume(ctx, mount.Volume)
		return err
	}
	was, err := s.owners.FindRootOwner(ctx, mount.Volume)
	if err != nil || was == service.owner {
		return err
	}
	service.foreign[mount.Volume] = true
	return s.owners.EnsureOwner(ctx, mount.Volume, service.owner)
}

// restore starts what displace stopped, once the release's own instances are gone. What
// cannot be started here is the reconciler's, when the release has left it.
func (s *shipment) restore(ctx context.Context) {
	if len(s.stopped) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	unlock, err := s.apps.Lock(ctx, s.app.Name)
	if err != nil {
		return
	}
	defer unlock()
	found, err := s.history.FindApp(ctx, s.app.Name)
	if err != nil || found.Wanted != app.WantedRunning {
		return
	}
	s.log.Say("starting r%d again", found.Live)
	for _, name := range s.stopped {
		if s.halts(found, name) {
			continue // it was stopped before, and stays so
		}
		if err := s.engine.Resume(ctx, name); err != nil {
			s.logger.Error("start displaced instance", "instance", name, "error", err)
		}
	}
	s.observeLive(ctx, s.former)
}

// halts reports whether Berth has stopped the service of a live instance.
func (s *shipment) halts(found app.App, instance string) bool {
	return slices.ContainsFunc(s.former.Services, func(run app.ServiceRun) bool {
		return slices.Contains(run.Instances, instance) && found.Halts(run) != nil
	})
}

// leave ends the release's hold on what it displaced.
func (s *shipment) leave(ctx context.Context) {
	s.routes.EndReplacement(ctx, s.app.Name)
	s.displaced.set(s.stopped, false)
	s.stopped = nil
}

// engineMounts is how the mounts reach the engine.
func engineMounts(mounts []app.Mount) []docker.Mount {
	var made []docker.Mount
	for _, mount := range mounts {
		made = append(made, docker.Mount{Volume: mount.Volume, Target: mount.Target, ReadOnly: mount.ReadOnly})
	}
	return made
}
