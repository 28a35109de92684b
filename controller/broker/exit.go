package broker

import (
	"net/netip"
	"slices"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// exit is the only way out of closed networks: our own program, with what the operator's
// settings say, on a network of its own.
func (m *making) exit() error {
	if m.name != "egress" {
		return refuse("query name", "it is not that of the exit")
	}
	if err := m.imageOf(link.RoleHelper, "it is not that of our own program"); err != nil {
		return err
	}
	if err := m.confined(mostWork); err != nil {
		return err
	}
	if !m.host.ReadonlyRootfs || plan.IsRoot(m.config.User) || !userNumbers.MatchString(m.config.User) {
		return refuse("HostConfig.ReadonlyRootfs", "the exit writes nothing, and is not root")
	}
	if !slices.Equal(m.config.Entrypoint, []string{"/berth", link.ExitCommand}) {
		return refuse("Entrypoint", "it is not that of the exit")
	}
	if !slices.Equal(m.config.Cmd, link.ExitArguments(m.broker.policy.Pool, m.broker.policy.PrivateEgress)) {
		return refuse("Cmd", "it is not what the operator's settings say")
	}
	if err := m.exitNetwork(); err != nil {
		return err
	}
	if m.host.LogConfig.Type != "json-file" || !boundedLog(m.host.LogConfig.Config) {
		return refuse("HostConfig.LogConfig", "the log has no bound")
	}
	m.host.LogConfig, m.host.RestartPolicy, m.host.ReadonlyRootfs = container.LogConfig{}, container.RestartPolicy{}, false
	c := &m.config
	c.User, c.Entrypoint, c.Cmd, c.Env, c.OpenStdin = "", nil, nil, nil, false
	return m.ulimits()
}

// exitNetwork is the one that leads outside. It joins closed networks later.
func (m *making) exitNetwork() error {
	name := string(m.host.NetworkMode)
	if m.asked.NetworkingConfig == nil || len(m.asked.NetworkingConfig.EndpointsConfig) != 1 {
		return refuse("NetworkingConfig.EndpointsConfig", "it is not on one network")
	}
	endpoint, there := m.asked.NetworkingConfig.EndpointsConfig[name]
	if !there {
		return refuse("HostConfig.NetworkMode", "it is not the network of the container")
	}
	if _, err := m.own("networks", "HostConfig.NetworkMode", name, link.RoleEgress); err != nil {
		return err
	}
	m.host.NetworkMode = ""
	if endpoint == nil {
		return nil
	}
	rest := *endpoint
	return allZero("NetworkingConfig.EndpointsConfig.", &rest)
}

// resolver is the exit, for an instance on a closed network, and the engine's own for any
// other.
func (m *making) resolver(network object) error {
	if !isClosed(network.Labels) {
		return nil // what is set is refused with the rest
	}
	if len(m.host.DNS) != 1 {
		return refuse("HostConfig.Dns", "an app on a closed network asks the exit alone")
	}
	address, err := netip.ParseAddr(m.host.DNS[0])
	if err != nil || !m.broker.policy.Pool.Contains(address) {
		return refuse("HostConfig.Dns", "it is not in the stack's pool")
	}
	m.host.DNS = nil
	return nil
}
