package router

import (
	"net/http"
	"slices"

	"berth/controller/docker"
	"berth/controller/refusals"
	"berth/controller/routing"
)

// Broker tells how the engine is reached, and what the broker in front of it refused.
type Broker interface {
	Report() (refusals.State, docker.BrokerReport)
}

// Builds says what make up keeps builds from. The zero value is what an engine does by itself.
type Builds struct {
	Apart   bool // they reach the outside, and nothing of this machine
	Limited bool // they share a budget of memory, processors and processes
}

type machinePage struct {
	frame
	AppsApart bool
	Builds    Builds
	Engine    refusals.State
	Refused   int64
	Recent    []docker.BrokerRefusal // the newest first
	Ports     []routing.PortUse
}

// showMachine says what is missing on the machine below Berth, and what mends it.
func (a *admin) showMachine(v *visit) error {
	ports, err := a.ports.AllowedPorts(v.context())
	if err != nil {
		return err
	}
	page := machinePage{frame: v.frame("Machine"), AppsApart: a.appsApart, Builds: a.builds, Ports: ports}
	if a.broker != nil {
		var report docker.BrokerReport
		page.Engine, report = a.broker.Report()
		page.Refused, page.Recent = report.Refused, slices.Clone(report.Recent)
		slices.Reverse(page.Recent)
	}
	page.Section, page.Tab = "settings", "machine"
	return v.page(http.StatusOK, "machine", page)
}
