package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/probe"
)

// usualPorts are tried at each instance beside those that it tells.
var usualPorts = []uint16{22, 80, 443, 3000, 3306, 5000, 5432, 6379, 8000, 8080, 9000, 27017}

// hostPorts are those at which services of a machine usually listen. That of DNS is not
// among them: make up lets apps ask the resolvers of the machine.
var hostPorts = []uint16{
	21, 22, 23, 25, 111, 139, 445, 631, 873, 1080, 2049, 2181, 2379, 3000, 3128, 3306, 4243, 5000, 5432, 5672, 5900, 6379, 6443, 8000, 8001,
	8080, 8081, 8086, 8443, 8500, 9000, 9090, 9091, 9092, 9093, 9100, 9200, 9443, 10250, 11211, 15672, 27017,
}

// enginePorts are those at which an engine listens without a socket.
var enginePorts = []uint16{2375, 2376, 2377}

// engineSockets must be in no container of an app.
var engineSockets = []string{"/var/run/docker.sock", "/run/docker.sock", "/run/broker/engine.sock", "/run/containerd/containerd.sock"}

// Probe tries all that no app may reach, from a container as apps have it, and proves all
// live releases.
func (p *Prober) Probe(ctx context.Context) (Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids, err := p.Ledger.ListLive(ctx)
	if err != nil {
		return Report{}, err
	}
	results, err := p.Engine.Probe(ctx, docker.ProbeOptions{WithProxy: true, Tries: p.tries})
	if err != nil {
		return Report{}, fmt.Errorf("probe: %w", err)
	}
	report := Report{At: p.now(), Results: results}
	if err := p.Ledger.SaveReport(ctx, report); err != nil {
		return Report{}, err
	}
	return report, p.save(ctx, ids, results)
}

// tries are those of a whole probe.
func (p *Prober) tries(ctx context.Context, gateway netip.Addr) ([]probe.Try, error) {
	places, err := p.Engine.Places(ctx)
	if err != nil {
		return nil, fmt.Errorf("find containers: %w", err)
	}
	var tries []probe.Try
	for _, place := range places {
		switch place.Role {
		case docker.RoleProxy:
			tries = append(tries, at(probe.Proxy, "the proxy, past the gate", place.Addresses, p.Machine.Proxy)...)
		case docker.RoleController:
			tries = append(tries, at(probe.Admin, "the admin app", place.Addresses, []uint16{p.Machine.Admin})...)
		}
	}
	machine := append([]netip.Addr{gateway}, p.Machine.Addresses...)
	tries = append(tries, at(probe.Admin, "the admin app or the dashboard on this machine", machine, p.Machine.Published)...)
	tries = append(tries, at(probe.Broker, "the engine on this machine", machine, enginePorts)...)
	for _, path := range p.sockets() {
		tries = append(tries, probe.Try{Kind: probe.Broker, Target: "the socket of the engine", Address: probe.Socket(path)})
	}
	tries = append(tries, at(probe.Host, "a port of this machine", machine, p.portsOfMachine())...)
	if p.Machine.Metadata.IsValid() {
		tries = append(tries, probe.Try{Kind: probe.LinkLocal, Target: "link-local", Address: p.Machine.Metadata.String()})
	}
	return bounded(append(tries, appTries(places, func(app.ReleaseID) bool { return true })...)), nil
}

// sockets are the paths that hold an engine's socket somewhere.
func (p *Prober) sockets() []string {
	if p.Machine.EngineHost == "" || slices.Contains(engineSockets, p.Machine.EngineHost) {
		return engineSockets
	}
	return append([]string{p.Machine.EngineHost}, engineSockets...)
}

// portsOfMachine leaves out what is for everybody, and what is tried as something else.
func (p *Prober) portsOfMachine() []uint16 {
	return slices.DeleteFunc(slices.Clone(hostPorts), func(port uint16) bool {
		return slices.Contains(p.Machine.Open, port) || slices.Contains(p.Machine.Published, port)
	})
}

// appTries are the direct ways to the instances of some releases.
func appTries(places []docker.Place, wanted func(app.ReleaseID) bool) (tries []probe.Try) {
	for _, place := range places {
		id := app.ReleaseID{App: app.Name(place.App), Number: place.Release}
		if place.Role != docker.RoleApp || !wanted(id) {
			continue
		}
		ports := slices.Clone(place.Ports)
		for _, port := range usualPorts {
			if !slices.Contains(ports, port) {
				ports = append(ports, port)
			}
		}
		tries = append(tries, at(probe.App, targetOf(id), place.Addresses, ports)...)
	}
	return tries
}

// targetOf is how the tries of a release are known.
func targetOf(id app.ReleaseID) string { return id.String() }

// bounded is what one probe takes. A machine with so many apps has all of them tried at
// their release.
func bounded(tries []probe.Try) []probe.Try { return tries[:min(len(tries), probe.Most)] }

func at(kind probe.Kind, target string, addresses []netip.Addr, ports []uint16) (tries []probe.Try) {
	for _, address := range addresses {
		for _, port := range ports {
			tries = append(tries, probe.Try{Kind: kind, Target: target, Address: netip.AddrPortFrom(address, port).String()})
		}
	}
	return tries
}
