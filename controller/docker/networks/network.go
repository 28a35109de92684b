// Package networks gives each app bridges of its own, on subnets that nothing else uses, with the proxy on them.
package networks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/link"
	"berth/controller/pause"
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

	Egress string       // list or none for one that leads nowhere by itself; else empty
	Subnet netip.Prefix // the zero Prefix where the engine does not tell it
}

// Bridges makes, finds and removes the networks of a stack's apps.
type Bridges struct {
	link    *link.Link
	subnets subnetPool

	// networkMutex makes choosing a subnet and taking it one step.
	networkMutex sync.Mutex

	// complete are the proxies that were on every network of the stack when that was last
	// looked at, with the networks that they were on; nil after a network was made.
	completeMutex sync.Mutex
	complete      map[string][]string
}

// New takes the subnets from the pool, without what is reserved.
func New(reached *link.Link, pool netip.Prefix, reserved []netip.Prefix) (*Bridges, error) {
	subnets, err := newSubnetPool(pool, reserved)
	return &Bridges{link: reached, subnets: subnets}, err
}

// EnsureNetwork returns the app's network, or the release's own where release is
// not 0, with the stack's proxy on it, and makes what is missing. Where no proxy
// is there yet, JoinProxy brings it in.
func (b *Bridges) EnsureNetwork(ctx context.Context, app string, release int64) (Network, error) {
	return b.ensureNetwork(ctx, Network{App: app, Release: release})
}

// ensureNetwork makes the network that is wished for, if there is none of its app and release.
func (b *Bridges) ensureNetwork(ctx context.Context, wish Network) (Network, error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	network, err := b.findNetwork(ctx, wish.App, wish.Release)
	if errors.Is(err, link.ErrNotFound) {
		network, err = b.createNetwork(ctx, wish)
	}
	if err != nil {
		return Network{}, err
	}
	proxies, err := b.Proxies(ctx)
	if err != nil {
		return Network{}, err
	}
	return network, b.join(ctx, proxies, network)
}

// Networks returns the apps' networks of the stack.
func (b *Bridges) Networks(ctx context.Context) ([]Network, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
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
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	err = b.link.API(ctx).NetworkConnect(ctx, network.ID, found.ID, &networktypes.EndpointSettings{Aliases: aliases})
	if err != nil && !link.Says(err, "already exists in network") {
		return link.Failure(ctx, "connect "+instance+" to "+network.Name, err)
	}
	return nil
}

// RemoveNetwork removes the network that EnsureNetwork made. The proxy leaves it
// first, and so do instances that are on another network too; other members keep
// it, and that is an error. One that is gone already is fine.
func (b *Bridges) RemoveNetwork(ctx context.Context, app string, release int64) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	network, err := b.findNetwork(ctx, app, release)
	if err != nil {
		return link.NotFoundIsFine(err)
	}
	return b.removeNetwork(ctx, network)
}

// RemoveNetworks removes the networks of the app, as RemoveNetwork does.
func (b *Bridges) RemoveNetworks(ctx context.Context, app string) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	networks, err := b.listNetworks(ctx, b.link.OfApp(app))
	if err != nil {
		return err
	}
	var failures []error
	for _, network := range networks {
		failures = append(failures, b.removeNetwork(ctx, network))
	}
	return errors.Join(failures...)
}

// A guest may join again while it is let go: a pass that keeps proxy and exit on all
// networks knows nothing of the removal, and the engine lists a guest only a moment after
// its endpoint is there.
const (
	mostRemovals = 5
	removalPause = 50 * time.Millisecond // longer by as much each time
)

func (b *Bridges) removeNetwork(ctx context.Context, network Network) error {
	for tried := 1; ; tried++ {
		if err := b.letGo(ctx, network); err != nil {
			return err
		}
		err := b.link.API(ctx).NetworkRemove(ctx, network.ID)
		if tried == mostRemovals || !link.Says(err, "active endpoints") || pause.For(ctx, time.Duration(tried)*removalPause) != nil {
			return link.NotFoundIsFine(link.Failure(ctx, "remove network", err))
		}
	}
}

// letGo has the guests leave the network, and the app's instances that are on another one
// too.
func (b *Bridges) letGo(ctx context.Context, network Network) error {
	proxies, err := b.guests(ctx)
	if err != nil {
		return err
	}
	instances, err := b.link.ListInstances(ctx, b.link.OfApp(network.App))
	if err != nil {
		return err
	}
	for _, guest := range append(proxies, slices.DeleteFunc(instances, onOneNetwork)...) {
		// A stopped one must leave too: it could not start without the network.
		if !member(guest, network) {
			continue
		}
		err := b.link.API(ctx).NetworkDisconnect(ctx, network.ID, guest.ID, true)
		if err != nil && !errdefs.IsNotFound(err) {
			return link.Failure(ctx, "disconnect from "+network.Name, err)
		}
	}
	return nil
}

// JoinProxy puts the stack's proxy on every app network of the stack, as is
// needed after the proxy's container was made anew. The networks are listed only where
// the proxies are not as they were when all was well.
func (b *Bridges) JoinProxy(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	proxies, err := b.Proxies(ctx)
	if err != nil || len(proxies) == 0 {
		return err
	}
	present := make(map[string][]string, len(proxies))
	for _, proxy := range proxies {
		present[proxy.ID] = slices.Sorted(slices.Values(networksOf(proxy)))
	}
	b.completeMutex.Lock()
	defer b.completeMutex.Unlock()
	if b.complete != nil && maps.EqualFunc(b.complete, present, slices.Equal) {
		return nil
	}
	networks, err := b.listNetworks(ctx)
	if err != nil {
		return err
	}
	var failures []error
	joined := 0
	for _, network := range networks {
		if !slices.ContainsFunc(proxies, func(p container.Summary) bool { return !member(p, network) }) {
			continue
		}
		joined++
		failures = append(failures, b.join(ctx, proxies, network))
	}
	b.complete = nil
	if joined == 0 {
		b.complete = present
	}
	return errors.Join(failures...)
}

// made notes that there is a network which the proxy may not be on.
func (b *Bridges) made() {
	b.completeMutex.Lock()
	defer b.completeMutex.Unlock()
	b.complete = nil
}

func (b *Bridges) listNetworks(ctx context.Context, labels ...string) ([]Network, error) {
	found, err := b.link.API(ctx).NetworkList(ctx, networktypes.ListOptions{Filters: b.link.Owned(append(labels, link.LabelRole+"="+link.RoleNetwork)...)})
	if err != nil {
		return nil, link.Failure(ctx, "list networks", err)
	}
	networks := make([]Network, 0, len(found))
	for _, one := range found {
		release, _ := strconv.ParseInt(one.Labels[link.LabelRelease], 10, 64)
		networks = append(networks, Network{
			ID: one.ID, Name: one.Name, App: b.link.App(one.Labels), Release: release,
			Egress: one.Labels[link.LabelEgress], Subnet: subnetOf(one.IPAM),
		})
	}
	return networks, nil
}

// findNetwork looks a network up by its labels. The name alone would not do: an
// engine may hold two networks of one name.
func (b *Bridges) findNetwork(ctx context.Context, app string, release int64) (Network, error) {
	found, err := b.listNetworks(ctx, b.link.OfApp(app))
	if err != nil {
		return Network{}, err
	}
	at := slices.IndexFunc(found, func(n Network) bool { return n.Release == release })
	if at < 0 {
		return Network{}, fmt.Errorf("network of %s: %w", app, link.ErrNotFound)
	}
	return found[at], nil
}

// createNetwork makes the network on a subnet that nothing else uses. One at a
// time: two at once would choose the same.
func (b *Bridges) createNetwork(ctx context.Context, wish Network) (Network, error) {
	b.networkMutex.Lock()
	defer b.networkMutex.Unlock()
	if network, err := b.findNetwork(ctx, wish.App, wish.Release); !errors.Is(err, link.ErrNotFound) {
		return network, err
	}
	wish.Name = b.link.NetworkName(wish.App, wish.Release)
	return b.takeSubnet(ctx, wish, b.networkOptions)
}

// takeSubnet makes the network on the first subnet that nothing else turns out to use.
func (b *Bridges) takeSubnet(ctx context.Context, wish Network, options func(Network, netip.Prefix) networktypes.CreateOptions) (Network, error) {
	used, err := b.usedSubnets(ctx)
	if err != nil {
		return Network{}, err
	}
	for range subnetAttempts {
		if wish.Subnet, err = b.subnets.free(used); err != nil {
			return Network{}, err
		}
		created, err := b.link.API(ctx).NetworkCreate(ctx, wish.Name, options(wish, wish.Subnet))
		b.made()
		if err == nil {
			wish.ID = created.ID
			return wish, nil
		}
		if !taken(err) {
			return Network{}, link.Failure(ctx, "create network", err)
		}
		b.link.Logger.Debug("subnet is taken", slog.String("subnet", wish.Subnet.String()), slog.Any("error", err))
		used = append(used, wish.Subnet)
	}
	return Network{}, fmt.Errorf("create network %s: %w %s", wish.Name, ErrNoSubnet, b.subnets.pool)
}

func (b *Bridges) networkOptions(wish Network, subnet netip.Prefix) networktypes.CreateOptions {
	labels := map[string]string{link.LabelStack: b.link.Stack, link.LabelApp: b.link.Handles.Of(wish.App), link.LabelRole: link.RoleNetwork}
	if wish.Release != 0 {
		labels = b.link.OwnLabels(link.RoleNetwork, wish.App, wish.Release)
	}
	options := bridgeOn(subnet, labels)
	if wish.Egress != "" {
		closeNetwork(&options, wish.Egress)
	}
	return options
}

func bridgeOn(subnet netip.Prefix, labels map[string]string) networktypes.CreateOptions {
	withoutIPv6 := false
	return networktypes.CreateOptions{
		Driver:     "bridge",
		EnableIPv6: &withoutIPv6,
		IPAM:       &networktypes.IPAM{Config: []networktypes.IPAMConfig{{Subnet: subnet.String()}}},
		Labels:     labels,
	}
}

// subnetOf is the first IPv4 subnet of a network.
func subnetOf(ipam networktypes.IPAM) netip.Prefix {
	for _, config := range ipam.Config {
		if subnet, err := netip.ParsePrefix(config.Subnet); err == nil && subnet.Addr().Is4() {
			return subnet
		}
	}
	return netip.Prefix{}
}

// usedSubnets returns what the engine's networks and, where they can be seen,
// the machine's routes take up.
func (b *Bridges) usedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	networks, err := b.link.API(ctx).NetworkList(ctx, networktypes.ListOptions{})
	if err != nil {
		return nil, link.Failure(ctx, "list networks", err)
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
func taken(err error) bool { return link.Says(err, "overlap") }

// Proxies returns the stack's proxy containers, stopped ones too.
func (b *Bridges) Proxies(ctx context.Context) ([]container.Summary, error) {
	found, err := b.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: b.link.Owned(link.LabelRole + "=" + link.RoleProxy)})
	return found, link.Failure(ctx, "list proxies", err)
}

func (b *Bridges) join(ctx context.Context, proxies []container.Summary, network Network) error {
	for _, proxy := range proxies {
		if member(proxy, network) {
			continue
		}
		err := b.link.API(ctx).NetworkConnect(ctx, network.ID, proxy.ID, b.proxyEndpoint())
		if err != nil && !link.Says(err, "already exists in network") {
			return link.Failure(ctx, "connect proxy to "+network.Name, err)
		}
	}
	return nil
}

// proxyEndpoint keeps the proxy's way out, and with it its published ports, on
// its own network. Older engines decide by the networks' names.
func (b *Bridges) proxyEndpoint() *networktypes.EndpointSettings {
	if b.link.IsBefore(gatewayPriorityVersion) {
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
