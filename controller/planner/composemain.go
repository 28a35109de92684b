package planner

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
)

// chooseMain returns the service that the route leads to: the one that a person named,
// else the labelled one, else the most likely one. It records a fault if there is none.
func (c *composer) chooseMain() string {
	if named := c.options.Main; named != "" {
		return c.checkMain(named)
	}
	var labelled []string
	for _, name := range c.running() {
		if isMain(c.file.Project.Services[name].Labels) {
			labelled = append(labelled, name)
		}
	}
	switch len(labelled) {
	case 0:
		return c.likelyMain()
	case 1:
		return c.checkMain(labelled[0])
	default:
		c.fault(fmt.Sprintf("More than one service is labelled as the main one: %s.", printable.List(labelled)), "Keep the label on the one that answers requests.", "services", labelled[1], "labels")
		return ""
	}
}

// running returns the services of the chosen profiles, in the order of the file.
func (c *composer) running() []string {
	return slices.DeleteFunc(slices.Clone(c.file.Services), func(name string) bool {
		_, enabled := c.file.Project.Services[name]
		return !enabled
	})
}

// checkMain refuses a main service that does not answer requests.
func (c *composer) checkMain(name string) string {
	service, found := c.file.Project.Services[name]
	switch {
	case !found:
		c.offerMain(fmt.Sprintf("The file has no service %.80q for the route to lead to.", name))
		return ""
	case c.runsOnce(service) && !slices.ContainsFunc(service.Ports, speaksHTTP):
		c.fault(fmt.Sprintf("The main service %s runs once, so nothing would answer its route.", name),
			"Take restart: \"no\" away, or label another service berth.main_service: \"true\".", "services", name, "restart")
		return ""
	default:
		return name
	}
}

// likelyMain returns the first service in the best class of mainClass. A database never
// gets the route without a person's word.
func (c *composer) likelyMain() string {
	running := c.running()
	if len(running) == 1 {
		return c.checkMain(running[0])
	}
	best, main := unlikely, ""
	for _, name := range running {
		if class := c.mainClass(c.file.Project.Services[name]); class < best {
			best, main = class, name
		}
	}
	if main == "" && len(running) > 0 {
		c.offerMain("Which service does the route lead to? Each is a database, a queue or the like, or runs once.")
	}
	return main
}

func (c *composer) offerMain(reason string) {
	refusal := c.refuse(reason, fmt.Sprintf("Choose the main service: %s. Or add to its labels: berth.main_service: \"true\".", printable.List(c.running())), "services")
	refusal.Offer, refusal.Subject = problem.OfferMain, strings.Join(c.running(), ",")
	c.faults = append(c.faults, refusal)
}

// The classes of services, the most likely main service first.
const (
	publishes = iota // a port of the host
	exposes
	publishesToHost // a port of the host's own loopback
	quiet
	unlikely // backs other services, or runs once
)

func (c *composer) mainClass(service types.ServiceConfig) int {
	switch {
	case plan.IsBacking(service.Image) || c.runsOnce(service):
		return unlikely
	case slices.ContainsFunc(service.Ports, func(p types.ServicePortConfig) bool { return speaksHTTP(p) && !isLoopback(p.HostIP) }):
		return publishes
	case len(service.Expose) > 0:
		return exposes
	case slices.ContainsFunc(service.Ports, speaksHTTP):
		return publishesToHost
	default:
		return quiet
	}
}

func (c *composer) runsOnce(service types.ServiceConfig) bool {
	return service.Restart == types.RestartPolicyNo || service.Restart == "" && c.once[service.Name]
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func speaksHTTP(port types.ServicePortConfig) bool {
	return isTCP(port.Protocol) && port.Target <= 65535 && !slices.Contains(plan.OtherPorts, uint16(port.Target))
}

func isTCP(protocol string) bool { return protocol == "" || protocol == "tcp" }

func isMain(labels types.Labels) bool {
	return slices.ContainsFunc(mainLabels, func(label string) bool { return strings.EqualFold(labels[label], "true") })
}
