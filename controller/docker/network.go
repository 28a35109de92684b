package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
)

// subnetAttempts is how many subnets may turn out to be taken by something that
// this process cannot see, before EnsureNetwork gives up.
const subnetAttempts = 256

// gatewayPriorityVersion is the API version from which an endpoint can say that
// it shall not become its container's way out.
const gatewayPriorityVersion = "1.48"

// Network is an app's own bridge. Its members are the app's instances and the proxy.
type Network struct {
	ID   string
	Name string
}

// EnsureNetwork returns the app's network with the stack's proxy on it, and
// makes what is missing. Where no proxy is there yet, JoinProxy brings it in.
func (e *Engine) EnsureNetwork(ctx context.Context, app string) (Network, error) {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	network, err := e.findNetwork(ctx, app)
	if errors.Is(err, ErrNotFound) {
		network, err = e.createNetwork(ctx, app)
	}
	if err != nil {
		return Network{}, err
	}
	proxies, err := e.proxies(ctx)
	if err != nil {
		return Network{}, err
	}
	return network, e.join(ctx, proxies, network)
}

// RemoveNetwork removes the app's network. The proxy leaves it first; other
// members keep it, and that is an error. One that is gone already is fine.
func (e *Engine) RemoveNetwork(ctx context.Context, app string) error {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	network, err := e.findNetwork(ctx, app)
	if err != nil {
		return notFoundIsFine(err)
	}
	proxies, err := e.proxies(ctx)
	if err != nil {
		return err
	}
	for _, proxy := range proxies {
		// A stopped proxy must leave too: it could not start without the network.
		if !member(proxy, network) {
			continue
		}
		err := e.api(ctx).NetworkDisconnect(ctx, network.ID, proxy.ID, true)
		if err != nil && !errdefs.IsNotFound(err) {
			return failure(ctx, "disconnect proxy", err)
		}
	}
	return notFoundIsFine(failure(ctx, "remove network", e.api(ctx).NetworkRemove(ctx, network.ID)))
}

// JoinProxy puts the stack's proxy on every app network of the stack, as is
// needed after the proxy's container was made anew.
func (e *Engine) JoinProxy(ctx context.Context) error {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	proxies, err := e.proxies(ctx)
	if err != nil || len(proxies) == 0 {
		return err
	}
	networks, err := e.api(ctx).NetworkList(ctx, networktypes.ListOptions{Filters: e.owned(labelRole + "=" + roleNetwork)})
	if err != nil {
		return failure(ctx, "list networks", err)
	}
	var failures []error
	for _, network := range networks {
		failures = append(failures, e.join(ctx, proxies, Network{ID: network.ID, Name: network.Name}))
	}
	return errors.Join(failures...)
}

// findNetwork looks the app's network up by its labels. The name alone would
// not do: an engine may hold two networks of one name.
func (e *Engine) findNetwork(ctx context.Context, app string) (Network, error) {
	selection := e.owned(labelRole+"="+roleNetwork, labelApp+"="+app)
	found, err := e.api(ctx).NetworkList(ctx, networktypes.ListOptions{Filters: selection})
	if err != nil {
		return Network{}, failure(ctx, "list networks", err)
	}
	if len(found) == 0 {
		return Network{}, fmt.Errorf("network of %s: %w", app, ErrNotFound)
	}
	return Network{ID: found[0].ID, Name: found[0].Name}, nil
}

// createNetwork makes the app's network on a subnet that nothing else uses. One
// at a time: two at once would choose the same.
func (e *Engine) createNetwork(ctx context.Context, app string) (Network, error) {
	e.networkMutex.Lock()
	defer e.networkMutex.Unlock()
	if network, err := e.findNetwork(ctx, app); !errors.Is(err, ErrNotFound) {
		return network, err
	}
	used, err := e.usedSubnets(ctx)
	if err != nil {
		return Network{}, err
	}
	for range subnetAttempts {
		subnet, err := e.subnets.free(used)
		if err != nil {
			return Network{}, err
		}
		created, err := e.api(ctx).NetworkCreate(ctx, e.networkName(app), e.networkOptions(app, subnet))
		if err == nil {
			return Network{ID: created.ID, Name: e.networkName(app)}, nil
		}
		if !taken(err) {
			return Network{}, failure(ctx, "create network", err)
		}
		e.logger.Debug("subnet is taken", slog.String("subnet", subnet.String()), slog.Any("error", err))
		used = append(used, subnet)
	}
	return Network{}, fmt.Errorf("create network for %s: %w %s", app, ErrNoSubnet, e.subnets.pool)
}

func (e *Engine) networkOptions(app string, subnet netip.Prefix) networktypes.CreateOptions {
	withoutIPv6 := false
	return networktypes.CreateOptions{
		Driver:     "bridge",
		EnableIPv6: &withoutIPv6,
		IPAM:       &networktypes.IPAM{Config: []networktypes.IPAMConfig{{Subnet: subnet.String()}}},
		Labels: map[string]string{
			labelStack: e.stack,
			labelApp:   app,
			labelRole:  roleNetwork,
		},
	}
}

// usedSubnets returns what the engine's networks and, where they can be seen,
// the machine's routes take up.
func (e *Engine) usedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	networks, err := e.api(ctx).NetworkList(ctx, networktypes.ListOptions{})
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
func (e *Engine) proxies(ctx context.Context) ([]container.Summary, error) {
	found, err := e.api(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: e.owned(labelRole + "=" + roleProxy)})
	return found, failure(ctx, "list proxies", err)
}

func (e *Engine) join(ctx context.Context, proxies []container.Summary, network Network) error {
	for _, proxy := range proxies {
		if member(proxy, network) {
			continue
		}
		err := e.api(ctx).NetworkConnect(ctx, network.ID, proxy.ID, e.proxyEndpoint())
		if err != nil && !says(err, "already exists in network") {
			return failure(ctx, "connect proxy to "+network.Name, err)
		}
	}
	return nil
}

// proxyEndpoint keeps the proxy's way out, and with it its published ports, on
// its own network. Older engines decide by the networks' names.
func (e *Engine) proxyEndpoint() *networktypes.EndpointSettings {
	if versions.LessThan(e.client.ClientVersion(), gatewayPriorityVersion) {
		return nil
	}
	return &networktypes.EndpointSettings{GwPriority: -1}
}

// member reports whether the container is on the network already.
func member(proxy container.Summary, network Network) bool {
	if proxy.NetworkSettings == nil {
		return false
	}
	ids := make([]string, 0, len(proxy.NetworkSettings.Networks))
	for _, endpoint := range proxy.NetworkSettings.Networks {
		if endpoint != nil {
			ids = append(ids, endpoint.NetworkID)
		}
	}
	return slices.Contains(ids, network.ID)
}
