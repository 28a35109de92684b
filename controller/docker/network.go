package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"
)

// subnetAttempts is how many subnets may turn out to be taken by something that
// this process cannot see, before EnsureNetwork gives up.
const subnetAttempts = 256

// gatewayPriorityVersion is the API version from which an endpoint can say that
// it shall not become its container's way out.
const gatewayPriorityVersion = "1.48"

// Network is a bridge of one app. Its members are instances of the app and the proxy.
type Network struct {
	ID      string
	Name    string
	App     string
	Release int64 // whose own it is; 0 is the app's, for all of its releases
}

// Bridges makes, finds and removes the networks of a stack's apps.
type Bridges struct {
	link    *Link
	subnets subnetPool

	// networkMutex makes choosing a subnet and taking it one step.
	networkMutex sync.Mutex
}

// newBridges takes the subnets from the pool, without what is reserved.
func newBridges(link *Link, pool netip.Prefix, reserved []netip.Prefix) (*Bridges, error) {
	subnets, err := newSubnetPool(pool, reserved)
	return &Bridges{link: link, subnets: subnets}, err
}

// EnsureNetwork returns the app's network, or the release's own where release is
// not 0, with the stack's proxy on it, and makes what is missing. Where no proxy
// is there yet, JoinProxy brings it in.
func (b *Bridges) EnsureNetwork(ctx context.Context, app string, release int64) (Network, error) {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	network, err := b.findNetwork(ctx, app, release)
	if errors.Is(err, ErrNotFound) {
		network, err = b.createNetwork(ctx, app, release)
	}
	if err != nil {
		return Network{}, err
	}
	proxies, err := b.proxies(ctx)
	if err != nil {
		return Network{}, err
	}
	return network, b.join(ctx, proxies, network)
}

// Networks returns the apps' networks of the stack.
func (b *Bridges) Networks(ctx context.Context) ([]Network, error) {
	ctx, cancel := within(ctx, callTimeout)
	defer cancel()
	return b.listNetworks(ctx)
}

// Connect puts an instance on one more network of its app, where it is known by
// the aliases too. On one that it is on already it stays as it is.
func (b *Bridges) Connect(ctx context.Context, instance string, network Network, aliases []string) error {
	found, err := b.link.Inspect(ctx, instance)
	if err != nil {
		return err
	}
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	err = b.link.api(ctx).NetworkConnect(ctx, network.ID, found.ID, &networktypes.EndpointSettings{Aliases: aliases})
	if err != nil && !says(err, "already exists in network") {
		return failure(ctx, "connect "+instance+" to "+network.Name, err)
	}
	return nil
}

// RemoveNetwork removes the network that EnsureNetwork made. The proxy leaves it
// first, and so do instances that are on another network too; other members keep
// it, and that is an error. One that is gone already is fine.
func (b *Bridges) RemoveNetwork(ctx context.Context, app string, release int64) error {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	network, err := b.findNetwork(ctx, app, release)
	if err != nil {
		return notFoundIsFine(err)
	}
	return b.removeNetwork(ctx, network)
}

func (b *Bridges) removeNetwork(ctx context.Context, network Network) error {
	proxies, err := b.proxies(ctx)
	if err != nil {
		return err
	}
	instances, err := b.link.instances(ctx, labelApp+"="+network.App)
	if err != nil {
		return err
	}
	for _, guest := range append(proxies, slices.DeleteFunc(instances, onOneNetwork)...) {
		// A stopped one must leave too: it could not start without the network.
		if !member(guest, network) {
			continue
		}
		err := b.link.api(ctx).NetworkDisconnect(ctx, network.ID, guest.ID, true)
		if err != nil && !errdefs.IsNotFound(err) {
			return failure(ctx, "disconnect from "+network.Name, err)
		}
	}
	return notFoundIsFine(failure(ctx, "remove network", b.link.api(ctx).NetworkRemove(ctx, network.ID)))
}

// JoinProxy puts the stack's proxy on every app network of the stack, as is
// needed after the proxy's container was made anew.
func (b *Bridges) JoinProxy(ctx context.Context) error {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	proxies, err := b.proxies(ctx)
	if err != nil || len(proxies) == 0 {
		return err
	}
	networks, err := b.listNetworks(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, network := range networks {
		failures = append(failures, b.join(ctx, proxies, network))
	}
	return errors.Join(failures...)
}

func (b *Bridges) listNetworks(ctx context.Context, labels ...string) ([]Network, error) {
	found, err := b.link.api(ctx).NetworkList(ctx, networktypes.ListOptions{Filters: b.link.owned(append(labels, labelRole+"="+roleNetwork)...)})
	if err != nil {
		return nil, failure(ctx, "list networks", err)
	}
	networks := make([]Network, 0, len(found))
	for _, one := range found {
		release, _ := strconv.ParseInt(one.Labels[labelRelease], 10, 64)
		networks = append(networks, Network{ID: one.ID, Name: one.Name, App: one.Labels[labelApp], Release: release})
	}
	return networks, nil
}

// findNetwork looks a network up by its labels. The name alone would not do: an
// engine may hold two networks of one name.
func (b *Bridges) findNetwork(ctx context.Context, app string, release int64) (Network, error) {
	found, err := b.listNetworks(ctx, labelApp+"="+app)
	if err != nil {
		return Network{}, err
	}
	at := slices.IndexFunc(found, func(n Network) bool { return n.Release == release })
	if at < 0 {
		return Network{}, fmt.Errorf("network of %s: %w", app, ErrNotFound)
	}
	return found[at], nil
}

// createNetwork makes the network on a subnet that nothing else uses. One at a
// time: two at once would choose the same.
func (b *Bridges) createNetwork(ctx context.Context, app string, release int64) (Network, error) {
	b.networkMutex.Lock()
	defer b.networkMutex.Unlock()
	if network, err := b.findNetwork(ctx, app, release); !errors.Is(err, ErrNotFound) {
		return network, err
	}
	used, err := b.usedSubnets(ctx)
	if err != nil {
		return Network{}, err
	}
	for range subnetAttempts {
		subnet, err := b.subnets.free(used)
		if err != nil {
			return Network{}, err
		}
		name := b.link.networkName(app, release)
		created, err := b.link.api(ctx).NetworkCreate(ctx, name, b.networkOptions(app, release, subnet))
		if err == nil {
			return Network{ID: created.ID, Name: name, App: app, Release: release}, nil
		}
		if !taken(err) {
			return Network{}, failure(ctx, "create network", err)
		}
		b.link.logger.Debug("subnet is taken", slog.String("subnet", subnet.String()), slog.Any("error", err))
		used = append(used, subnet)
	}
	return Network{}, fmt.Errorf("create network for %s: %w %s", app, ErrNoSubnet, b.subnets.pool)
}

func (b *Bridges) networkOptions(app string, release int64, subnet netip.Prefix) networktypes.CreateOptions {
	withoutIPv6 := false
	labels := map[string]string{labelStack: b.link.stack, labelApp: app, labelRole: roleNetwork}
	if release != 0 {
		labels = b.link.ownLabels(roleNetwork, app, release)
	}
	return networktypes.CreateOptions{
		Driver:     "bridge",
		EnableIPv6: &withoutIPv6,
		IPAM:       &networktypes.IPAM{Config: []networktypes.IPAMConfig{{Subnet: subnet.String()}}},
		Labels:     labels,
	}
}

// usedSubnets returns what the engine's networks and, where they can be seen,
// the machine's routes take up.
func (b *Bridges) usedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	networks, err := b.link.api(ctx).NetworkList(ctx, networktypes.ListOptions{})
	if err != nil {
		return nil, failure(ctx, "list networks", err)
	}
	used := hostRoutes()
	for _, network := range networks {
		for _, config := range network.IPAM.Config {
			if subnet, err := netip.ParsePrefix(config.Subnet); err == nil {
				used = append(used, subnet)
			}
		}
	}
	return used, nil
}

// taken recognises "Pool overlaps with other one on this address space" and
// "networks have overlapping IPv4": the status is that of any refusal.
func taken(err error) bool { return says(err, "overlap") }

// proxies returns the stack's proxy containers, stopped ones too.
func (b *Bridges) proxies(ctx context.Context) ([]container.Summary, error) {
	found, err := b.link.api(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: b.link.owned(labelRole + "=" + roleProxy)})
	return found, failure(ctx, "list proxies", err)
}

func (b *Bridges) join(ctx context.Context, proxies []container.Summary, network Network) error {
	for _, proxy := range proxies {
		if member(proxy, network) {
			continue
		}
		err := b.link.api(ctx).NetworkConnect(ctx, network.ID, proxy.ID, b.proxyEndpoint())
		if err != nil && !says(err, "already exists in network") {
			return failure(ctx, "connect proxy to "+network.Name, err)
		}
	}
	return nil
}

// proxyEndpoint keeps the proxy's way out, and with it its published ports, on
// its own network. Older engines decide by the networks' names.
func (b *Bridges) proxyEndpoint() *networktypes.EndpointSettings {
	if b.link.isBefore(gatewayPriorityVersion) {
		return nil
	}
	return &networktypes.EndpointSettings{GwPriority: -1}
}

// member reports whether the container is on the network already.
func member(guest container.Summary, network Network) bool {
	return slices.Contains(networksOf(guest), network.ID)
}

func onOneNetwork(instance container.Summary) bool { return len(networksOf(instance)) < 2 }

func networksOf(guest container.Summary) []string {
	if guest.NetworkSettings == nil {
		return nil
	}
	ids := make([]string, 0, len(guest.NetworkSettings.Networks))
	for _, endpoint := range guest.NetworkSettings.Networks {
		if endpoint != nil {
			ids = append(ids, endpoint.NetworkID)
		}
	}
	return ids
}
