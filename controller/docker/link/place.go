package link

import (
	"context"
	"net/netip"
	"slices"

	"github.com/docker/docker/api/types/container"
)

// Place is where a running container of the stack can be reached.
type Place struct {
	Instance // of an app; for the other roles only its name

	Role      string
	Addresses []netip.Addr // on the engine's networks
	Ports     []uint16     // over TCP: those that its image exposes, and the one it was told
	Published []Published  // on this machine
}

// Published is a port of this machine that leads to a container.
type Published struct {
	Address netip.Addr // the unspecified one: all of them
	Port    uint16
	Target  uint16 // the container's own
}

// Places returns the running containers of the stack.
func (l *Link) Places(ctx context.Context) ([]Place, error) {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	found, err := l.API(ctx).ContainerList(ctx, container.ListOptions{Filters: l.Owned()})
	if err != nil {
		return nil, Failure(ctx, "list containers", err)
	}
	places := make([]Place, 0, len(found))
	for _, summary := range found {
		places = append(places, l.placeOf(summary))
	}
	return places, nil
}

func (l *Link) placeOf(summary container.Summary) Place {
	place := Place{Instance: l.Summarised(summary), Role: summary.Labels[LabelRole]}
	if place.Port != 0 {
		place.Ports = append(place.Ports, place.Port)
	}
	for _, port := range summary.Ports {
		if port.Type == "tcp" && !slices.Contains(place.Ports, port.PrivatePort) {
			place.Ports = append(place.Ports, port.PrivatePort)
		}
		if address, err := netip.ParseAddr(port.IP); err == nil && port.PublicPort != 0 {
			place.Published = append(place.Published, Published{address, port.PublicPort, port.PrivatePort})
		}
	}
	if summary.NetworkSettings == nil {
		return place
	}
	for _, endpoint := range summary.NetworkSettings.Networks {
		if endpoint == nil {
			continue
		}
		if address, err := netip.ParseAddr(endpoint.IPAddress); err == nil {
			place.Addresses = append(place.Addresses, address)
		}
	}
	slices.SortFunc(place.Addresses, netip.Addr.Compare)
	return place
}

// Part is the engine, or a program that it comes with.
type Part struct {
	Name    string // such as Engine or runc
	Version string
}

// Parts returns the versions of the engine and of what it comes with.
func (l *Link) Parts(ctx context.Context) ([]Part, error) {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	version, err := l.API(ctx).ServerVersion(ctx)
	if err != nil {
		return nil, Failure(ctx, "read engine version", err)
	}
	parts := make([]Part, 0, len(version.Components))
	for _, component := range version.Components {
		parts = append(parts, Part{component.Name, component.Version})
	}
	return parts, nil
}
