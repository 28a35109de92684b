package networks

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"

	"github.com/containerd/errdefs"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/link"
)

// ProbeNetwork is a bridge like an app's, for one probe.
type ProbeNetwork struct {
	ID      string
	Gateway netip.Addr // this machine, as the probe sees it
}

// CreateProbeNetwork makes a bridge as apps have them; with the proxy on it if it is asked
// for. RemoveProbeNetworks removes it.
func (b *Bridges) CreateProbeNetwork(ctx context.Context, withProxy bool) (ProbeNetwork, error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	b.networkMutex.Lock()
	network, err := b.takeSubnet(ctx, Network{Name: b.link.ProbeNetworkName(strings.ToLower(rand.Text()[:12]))}, func(_ Network, subnet netip.Prefix) networktypes.CreateOptions {
		return bridgeOn(subnet, map[string]string{link.LabelStack: b.link.Stack, link.LabelRole: link.RoleProbe})
	})
	b.networkMutex.Unlock()
	if err != nil {
		return ProbeNetwork{}, err
	}
	made := ProbeNetwork{ID: network.ID, Gateway: network.Subnet.Masked().Addr().Next()} // as the engine chooses it
	if !withProxy {
		return made, nil
	}
	proxies, err := b.Proxies(ctx)
	if err != nil {
		return made, err
	}
	return made, b.join(ctx, proxies, network)
}

// RemoveProbeNetworks removes what probes of this stack have left, of earlier processes
// too. No probe may be under way.
func (b *Bridges) RemoveProbeNetworks(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	api := b.link.API(ctx)
	found, err := api.NetworkList(ctx, networktypes.ListOptions{Filters: b.link.Owned(link.LabelRole + "=" + link.RoleProbe)})
	if err != nil || len(found) == 0 {
		return link.Failure(ctx, "list networks of probes", err)
	}
	proxies, err := b.Proxies(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, one := range found {
		for _, proxy := range proxies {
			if !member(proxy, Network{ID: one.ID}) {
				continue
			}
			if err := api.NetworkDisconnect(ctx, one.ID, proxy.ID, true); err != nil && !errdefs.IsNotFound(err) {
				failures = append(failures, link.Failure(ctx, "disconnect from "+one.Name, err))
			}
		}
		failures = append(failures, link.NotFoundIsFine(link.Failure(ctx, "remove network", api.NetworkRemove(ctx, one.ID))))
	}
	return errors.Join(failures...)
}
