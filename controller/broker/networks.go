package broker

import (
	"net/netip"
	"strings"

	"berth/controller/docker/link"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// createNetwork allows a bridge of an app or of a probe, on a subnet of the stack's pool:
// a plain one, or, for an app, one that leads nowhere. The exit has one plain bridge.
func (c *check) createNetwork() error {
	var request network.CreateRequest
	if err := c.decode(&request); err != nil {
		return err
	}
	if err := c.ownLabels("Labels", request.Labels, link.RoleNetwork, link.RoleProbe, link.RoleEgress); err != nil {
		return err
	}
	if err := c.checkPurpose(request); err != nil {
		return err
	}
	if request.Driver != "bridge" {
		return refuse("Driver", "the network is no bridge")
	}
	if request.EnableIPv6 != nil && *request.EnableIPv6 {
		return refuse("EnableIPv6", "apps' networks have none")
	}
	if err := c.checkSubnet(request.IPAM); err != nil {
		return err
	}
	rest := request
	rest.Name, rest.Driver, rest.EnableIPv6, rest.IPAM, rest.Labels = "", "", nil, nil, nil
	if isClosed(request.Labels) {
		rest.Internal, rest.Options = false, nil
	}
	rest.CheckDuplicate = nil //nolint:staticcheck // older engines are sent it
	return allZero("", &rest)
}

// checkPurpose holds the name and the way out of a network against what it is for.
func (c *check) checkPurpose(request network.CreateRequest) error {
	if request.Labels[link.LabelRole] == link.RoleEgress {
		if request.Name != c.broker.policy.Stack+"-0-egress" || isClosed(request.Labels) {
			return refuse("Name", "it is not that of the exit's network")
		}
		return nil
	}
	prefix := c.broker.policy.Stack + "-app-"
	if request.Labels[link.LabelRole] == link.RoleProbe {
		prefix = c.broker.policy.Stack + "-probe-"
	}
	if !strings.HasPrefix(request.Name, prefix) {
		return refuse("Name", "it is not that of such a network")
	}
	if !isClosed(request.Labels) {
		return nil
	}
	if request.Labels[link.LabelRole] == link.RoleProbe {
		return refuse("Labels", "the network of a probe is a plain one")
	}
	if !request.Internal || len(request.Options) != 1 || request.Options[link.BridgeWithoutAddress] != "true" {
		return refuse("Internal", "the network is called closed, and leads somewhere")
	}
	return nil
}

// isClosed reports whether the labels are those of a network that leads nowhere.
func isClosed(labels map[string]string) bool { return labels[link.LabelEgress] != "" }

func (c *check) checkSubnet(ipam *network.IPAM) error {
	if ipam == nil || len(ipam.Config) != 1 {
		return refuse("IPAM", "the network has not one subnet")
	}
	only := ipam.Config[0]
	subnet, err := netip.ParsePrefix(only.Subnet)
	pool := c.broker.policy.Pool
	if err != nil || !pool.Contains(subnet.Addr()) || subnet.Bits() < pool.Bits() {
		return refuse("IPAM.Config.Subnet", "it is not in the stack's pool")
	}
	rest := *ipam
	rest.Config = nil
	only.Subnet = ""
	if err := allZero("IPAM.", &rest); err != nil {
		return err
	}
	return allZero("IPAM.Config.", &only)
}

// connect puts an instance or the proxy on an app's network.
func (c *check) connect() error {
	var request network.ConnectOptions
	if err := c.decode(&request); err != nil {
		return err
	}
	joined, guest, err := c.guest(&request.Container)
	if err != nil {
		return err
	}
	if guest.Labels[link.LabelRole] == link.RoleEgress && !isClosed(joined.Labels) {
		return refuse("path", "the exit is for closed networks")
	}
	if request.EndpointConfig == nil {
		return nil
	}
	rest := *request.EndpointConfig
	switch guest.Labels[link.LabelRole] {
	case link.RoleEgress:
		if err := c.checkExitAddress(rest.IPAMConfig); err != nil {
			return err
		}
		rest.IPAMConfig = nil
	case link.RoleProxy:
		if rest.GwPriority > 0 {
			return refuse("EndpointConfig.GwPriority", "the proxy's way out is its own network")
		}
		rest.GwPriority = 0
	default:
		rest.Aliases = nil
	}
	return allZero("EndpointConfig.", &rest)
}

// checkExitAddress allows a fixed address of the stack's pool: the apps ask for it.
func (c *check) checkExitAddress(ipam *network.EndpointIPAMConfig) error {
	if ipam == nil {
		return nil
	}
	address, err := netip.ParseAddr(ipam.IPv4Address)
	if err != nil || !c.broker.policy.Pool.Contains(address) {
		return refuse("EndpointConfig.IPAMConfig.IPv4Address", "it is not in the stack's pool")
	}
	rest := *ipam
	rest.IPv4Address = ""
	return allZero("EndpointConfig.IPAMConfig.", &rest)
}

// disconnect takes an instance, the proxy or the exit off an app's network.
func (c *check) disconnect() error {
	var request network.DisconnectOptions
	if err := c.decode(&request); err != nil {
		return err
	}
	_, _, err := c.guest(&request.Container)
	return err
}

// guest finds a network, and the instance, the proxy or the exit that is to join it or to
// leave it. It puts the ID of the container in place of its name. The proxy alone joins the
// network of a probe.
func (c *check) guest(name *string) (joined, guest object, err error) {
	if joined, err = c.ofPath("networks", link.RoleNetwork, link.RoleProbe); err != nil {
		return object{}, object{}, err
	}
	roles := []string{link.RoleProxy}
	if joined.Labels[link.LabelRole] == link.RoleNetwork {
		roles = append(roles, link.RoleApp, link.RoleEgress)
	}
	guest, err = c.own("containers", "Container", *name, roles...)
	if err == nil {
		*name = guest.ID
	}
	return joined, guest, err
}

// createVolume allows a plain volume of the stack, and memory for secrets.
func (c *check) createVolume() error {
	var request volume.CreateOptions
	if err := c.decode(&request); err != nil {
		return err
	}
	if err := c.ownLabels("Labels", request.Labels, link.RoleVolume, link.RoleSecrets); err != nil {
		return err
	}
	prefix := c.broker.policy.Stack + "-"
	if request.Labels[link.LabelRole] == link.RoleVolume {
		prefix += "vol-"
	}
	if !strings.HasPrefix(request.Name, prefix) {
		return refuse("Name", "it does not begin with the stack's")
	}
	if request.Driver != "local" {
		return refuse("Driver", "it is not the engine's own")
	}
	if request.Labels[link.LabelRole] == link.RoleSecrets {
		if !strings.HasSuffix(request.Name, ".secrets") {
			return refuse("Name", "it is not that of memory for secrets")
		}
		if len(request.DriverOpts) != 3 || request.DriverOpts["type"] != "tmpfs" || request.DriverOpts["device"] != "tmpfs" || request.DriverOpts["o"] != link.SecretsMount {
			return refuse("DriverOpts", "they are not those of memory for secrets")
		}
	} else if len(request.DriverOpts) > 0 {
		return refuse("DriverOpts", "the stack's volumes have none")
	}
	rest := request
	rest.Name, rest.Driver, rest.DriverOpts, rest.Labels = "", "", nil, nil
	return allZero("", &rest)
}
