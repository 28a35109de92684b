package broker

import (
	"net/netip"
	"strings"

	"berth/controller/docker/link"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// createNetwork allows a plain bridge of an app or of a probe, on a subnet of the stack's pool.
func (c *check) createNetwork() error {
	var request network.CreateRequest
	if err := c.decode(&request); err != nil {
		return err
	}
	if err := c.ownLabels("Labels", request.Labels, link.RoleNetwork, link.RoleProbe); err != nil {
		return err
	}
	prefix := c.broker.policy.Stack + "-app-"
	if request.Labels[link.LabelRole] == link.RoleProbe {
		prefix = c.broker.policy.Stack + "-probe-"
	}
	if !strings.HasPrefix(request.Name, prefix) {
		return refuse("Name", "it is not that of such a network")
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
	rest.CheckDuplicate = nil //nolint:staticcheck // older engines are sent it
	return allZero("", &rest)
}

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
	guest, err := c.guest(&request.Container)
	if err != nil {
		return err
	}
	if request.EndpointConfig == nil {
		return nil
	}
	rest := *request.EndpointConfig
	if guest.Labels[link.LabelRole] == link.RoleProxy {
		if rest.GwPriority > 0 {
			return refuse("EndpointConfig.GwPriority", "the proxy's way out is its own network")
		}
		rest.GwPriority = 0
	} else {
		rest.Aliases = nil
	}
	return allZero("EndpointConfig.", &rest)
}

// disconnect takes an instance or the proxy off an app's network.
func (c *check) disconnect() error {
	var request network.DisconnectOptions
	if err := c.decode(&request); err != nil {
		return err
	}
	_, err := c.guest(&request.Container)
	return err
}

// guest finds the instance or the proxy that is to join an app's network or to leave it,
// and puts its ID in place of its name. No instance joins the network of a probe.
func (c *check) guest(name *string) (object, error) {
	network, err := c.ofPath("networks", link.RoleNetwork, link.RoleProbe)
	if err != nil {
		return object{}, err
	}
	roles := []string{link.RoleProxy}
	if network.Labels[link.LabelRole] == link.RoleNetwork {
		roles = append(roles, link.RoleApp)
	}
	found, err := c.own("containers", "Container", *name, roles...)
	if err == nil {
		*name = found.ID
	}
	return found, err
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
