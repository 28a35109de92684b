package keeper

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/egress"
)

// ClosingEngine is the engine for releases: the network of a release that may not connect
// to everything is a closed one, and its instances know the way out. Callers need not know
// which releases these are.
type ClosingEngine struct {
	*docker.Engine
	keeper *Keeper
}

// Around returns the engine for releases.
func (k *Keeper) Around(engine *docker.Engine) *ClosingEngine { return &ClosingEngine{engine, k} }

// EnsureNetwork makes the network that the release in the ledger is to have.
func (e *ClosingEngine) EnsureNetwork(ctx context.Context, name string, release int64) (docker.Network, error) {
	if release == 0 {
		return e.Engine.EnsureNetwork(ctx, name, release)
	}
	id := app.ReleaseID{App: app.Name(name), Number: release}
	found, err := e.keeper.ledger.FindRelease(ctx, id)
	if err != nil {
		return docker.Network{}, err
	}
	if mode := found.Settings.Egress.Mode; mode.Closed() {
		return e.keeper.ensureClosed(ctx, id, mode)
	}
	return e.Engine.EnsureNetwork(ctx, name, release)
}

// Start tells an instance on a network with a list which names are asked without the proxy.
func (e *ClosingEngine) Start(ctx context.Context, o docker.StartOptions) (docker.Instance, error) {
	if o.Network.Egress == string(egress.List) {
		found, err := e.keeper.ledger.FindRelease(ctx, app.ReleaseID{App: app.Name(o.App), Number: o.Network.Release})
		if err != nil {
			return docker.Instance{}, err
		}
		o.Beside = namesOf(found)
	}
	return e.Engine.Start(ctx, o)
}

// namesOf are the names under which the services of a release find each other.
func namesOf(release app.Release) []string {
	var names []string
	for _, run := range release.Services {
		names = append(names, run.Spec.Name, run.Spec.Hostname)
		names = append(names, run.Spec.Aliases...)
		names = append(names, run.Instances...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}
