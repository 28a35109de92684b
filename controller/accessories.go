package controller

import (
	"context"
	"errors"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/release"
)

// owners is what the ledger, the pass and this process have to say of what was made
// for releases.
type owners struct {
	kept      *release.Owned
	present   map[string]bool // names of instances that were in the engine, whose end is their own
	used      map[string]bool // images of those
	underWay  map[app.ReleaseID]bool
	live      map[app.ReleaseID]bool
	runnable  map[string]bool // images that a release of the ledger has
	listedFor map[app.Name]bool
}

func ownersOf(instances []docker.Instance, apps []app.App, underWay []app.Release, kept *release.Owned) *owners {
	o := &owners{
		kept: kept, present: make(map[string]bool), used: make(map[string]bool), underWay: make(map[app.ReleaseID]bool),
		live: make(map[app.ReleaseID]bool), runnable: make(map[string]bool), listedFor: make(map[app.Name]bool),
	}
	for _, instance := range instances {
		o.present[instance.Name], o.used[instance.Image] = true, true
	}
	for _, found := range apps {
		o.live[app.ReleaseID{App: found.Name, Number: found.Live}] = true
	}
	for _, release := range underWay {
		o.addUnderWay(release)
	}
	return o
}

func (o *owners) addUnderWay(release app.Release) {
	o.underWay[release.ReleaseID] = true
	for _, image := range release.Images() {
		o.runnable[image] = true
	}
}

// removeOrphanAccessories removes what was made for releases and that none in the
// ledger owns, such as the keeper of an instance that was removed by a process that
// was killed right after. They were listed before the ledger was read.
func (c *Controller) removeOrphanAccessories(ctx context.Context, accessories []docker.Accessory, o *owners, renames int64) error {
	var errs []error
	silent := make(map[docker.AccessoryKind]bool)
	for _, accessory := range accessories {
		owned, err := c.owns(ctx, o, accessory)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if owned || silent[accessory.Kind] || renames != c.renames.Load() { // it may be under another name
			continue
		}
		c.logger.Info("removing what no release owns", "kind", string(accessory.Kind), "id", accessory.ID, "app", accessory.App)
		err = c.withinObject(ctx, func(ctx context.Context) error { return c.reconciler.Engine.RemoveAccessory(ctx, accessory) })
		silent[accessory.Kind] = errors.Is(err, docker.ErrUnavailable) // the next pass asks again
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Controller) owns(ctx context.Context, o *owners, accessory docker.Accessory) (bool, error) {
	id := app.ReleaseID{App: app.Name(accessory.App), Number: accessory.Release}
	if o.underWay[id] {
		return true, nil
	}
	switch accessory.Kind {
	case docker.KindKeeper, docker.KindSecretsVolume:
		name := accessory.Instance
		return o.kept.Instances[name] || o.present[name] || c.releases.IsRetiring(name), nil
	case docker.KindFilesImage:
		return o.live[id] || o.used[accessory.ID], nil
	case docker.KindBuiltImage:
		if o.used[accessory.ID] {
			return true, nil
		}
		err := c.listRunnable(ctx, o, id.App)
		return o.runnable[accessory.ID], err
	default: // a helper that nobody works with
		return false, nil
	}
}

// listRunnable asks the ledger once for each app in a pass.
func (c *Controller) listRunnable(ctx context.Context, o *owners, app app.Name) error {
	if o.listedFor[app] {
		return nil
	}
	releases, err := c.reconciler.Ledger.ListRunnable(ctx, app)
	if err != nil {
		return err
	}
	for _, release := range releases {
		for _, image := range release.Images() {
			o.runnable[image] = true
		}
	}
	o.listedFor[app] = true
	return nil
}
