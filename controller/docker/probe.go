package docker

import (
	"context"
	"errors"
	"net/netip"

	"berth/controller/docker/link"
	"berth/controller/probe"
)

// ProbeOptions says from where a probe tries, and what.
type ProbeOptions struct {
	WithProxy bool // the proxy is on the probe's network, as on an app's
	// Tries are asked for once the network is there. The gateway is this machine on it.
	Tries func(ctx context.Context, gateway netip.Addr) ([]probe.Try, error)
}

// Probe makes tries from a hardened container on a network of its own, which is as an
// app's. One at a time: it removes what an earlier one has left. Nothing stays.
func (e *Engine) Probe(ctx context.Context, o ProbeOptions) (results []probe.Result, err error) {
	if err := e.RemoveProbeNetworks(ctx); err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := link.Afterwards(ctx)
		defer cancel()
		err = errors.Join(err, e.RemoveProbeNetworks(ctx))
	}()
	network, err := e.CreateProbeNetwork(ctx, o.WithProxy)
	if err != nil {
		return nil, err
	}
	tries, err := o.Tries(ctx, network.Gateway)
	if err != nil || len(tries) == 0 {
		return nil, err
	}
	return e.Helpers.Probe(ctx, network.ID, tries)
}

// Places returns where the containers of the stack can be reached.
func (e *Engine) Places(ctx context.Context) ([]link.Place, error) { return e.link.Places(ctx) }

// Parts returns the versions of the engine and of what it comes with.
func (e *Engine) Parts(ctx context.Context) ([]link.Part, error) { return e.link.Parts(ctx) }
