package networks

import (
	"context"
	"encoding/binary"
	"net/netip"

	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/link"
)

// EnsureClosedNetwork is EnsureNetwork for a release that may not connect to everything:
// the machine has no address on the network, and nothing leads out of it. The egress is
// list or none.
func (b *Bridges) EnsureClosedNetwork(ctx context.Context, app string, release int64, egress string) (Network, error) {
	return b.ensureNetwork(ctx, Network{App: app, Release: release, Egress: egress})
}

// closeNetwork takes the ways out of a network that is to be made. An internal network
// alone leaves the machine's own address on it, and with it all of the machine's ports.
func closeNetwork(options *networktypes.CreateOptions, egress string) {
	options.Internal = true
	options.Options = map[string]string{link.BridgeWithoutAddress: "true"}
	options.Labels[link.LabelEgress] = egress
}

// Closed are the networks of the stack that lead nowhere by themselves.
func (b *Bridges) Closed(ctx context.Context) ([]Network, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	return b.listNetworks(ctx, link.LabelEgress) // asked often: the engine leaves out the many that are open
}

// Exit is the address that the stack's exit has on a closed network: the last one, which
// the engine gives to others last.
func (n Network) Exit() netip.Addr {
	if !n.Subnet.IsValid() || n.Egress == "" {
		return netip.Addr{}
	}
	first := n.Subnet.Masked().Addr().As4()
	last := binary.BigEndian.Uint32(first[:]) + 1<<(32-n.Subnet.Bits()) - 2
	binary.BigEndian.PutUint32(first[:], last)
	return netip.AddrFrom4(first)
}

// JoinExit puts the exit on a closed network, at its address. On one that it is on
// already it stays as it is.
func (b *Bridges) JoinExit(ctx context.Context, exit container.Summary, network Network) error {
	if member(exit, network) {
		return nil
	}
	endpoint := &networktypes.EndpointSettings{IPAMConfig: &networktypes.EndpointIPAMConfig{IPv4Address: network.Exit().String()}}
	err := b.link.API(ctx).NetworkConnect(ctx, network.ID, exit.ID, endpoint)
	if err != nil && !link.Says(err, "already exists in network") {
		return link.Failure(ctx, "connect exit to "+network.Name, err)
	}
	return nil
}

// EnsureOutside returns the network that leads the stack's exit outside.
func (b *Bridges) EnsureOutside(ctx context.Context) (Network, error) {
	b.networkMutex.Lock()
	defer b.networkMutex.Unlock()
	found, err := b.outside(ctx)
	if err != nil || len(found) > 0 {
		return first(found), err
	}
	return b.takeSubnet(ctx, Network{Name: b.link.ExitNetworkName()}, func(_ Network, subnet netip.Prefix) networktypes.CreateOptions {
		return bridgeOn(subnet, map[string]string{link.LabelStack: b.link.Stack, link.LabelRole: link.RoleEgress})
	})
}

// RemoveOutside removes the network that leads the exit outside, which nobody may be on.
func (b *Bridges) RemoveOutside(ctx context.Context) error {
	found, err := b.outside(ctx)
	for _, network := range found {
		if err := link.NotFoundIsFine(link.Failure(ctx, "remove network", b.link.API(ctx).NetworkRemove(ctx, network.ID))); err != nil {
			return err
		}
	}
	return err
}

func (b *Bridges) outside(ctx context.Context) ([]Network, error) {
	found, err := b.link.API(ctx).NetworkList(ctx, networktypes.ListOptions{Filters: b.link.Owned(link.LabelRole + "=" + link.RoleEgress)})
	var networks []Network
	for _, one := range found {
		networks = append(networks, Network{ID: one.ID, Name: one.Name, Subnet: subnetOf(one.IPAM)})
	}
	return networks, link.Failure(ctx, "list networks", err)
}

func first(networks []Network) Network {
	if len(networks) == 0 {
		return Network{}
	}
	return networks[0]
}

// Exits returns the stack's exits, stopped ones too; there is one at most.
func (b *Bridges) Exits(ctx context.Context) ([]container.Summary, error) {
	found, err := b.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: b.link.Owned(link.LabelRole + "=" + link.RoleEgress)})
	return found, link.Failure(ctx, "list exits", err)
}

// guests are the containers that leave a network before it is removed.
func (b *Bridges) guests(ctx context.Context) ([]container.Summary, error) {
	proxies, err := b.Proxies(ctx)
	if err != nil {
		return nil, err
	}
	exits, err := b.Exits(ctx)
	return append(proxies, exits...), err
}
