package router

import (
	"net/http"

	"berth/controller/routing"
)

// Builds says what make up keeps builds from. The zero value is what an engine does by itself.
type Builds struct {
	Apart   bool // they reach the outside, and nothing of this machine
	Limited bool // they share a budget of memory, processors and processes
}

type machinePage struct {
	frame
	Builds Builds
	Ports  []routing.PortUse
}

// showMachine says what is missing on the machine below Berth, and what mends it.
func (a *admin) showMachine(v *visit) error {
	ports, err := a.ports.AllowedPorts(v.context())
	if err != nil {
		return err
	}
	page := machinePage{frame: v.frame("Machine"), Builds: a.builds, Ports: ports}
	page.Section, page.Tab = "settings", "machine"
	return v.page(http.StatusOK, "machine", page)
}
