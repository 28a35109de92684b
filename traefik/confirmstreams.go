package traefik

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// streamView is a service of TCP or UDP.
type streamView struct {
	LoadBalancer struct {
		Servers []struct {
			Address string `json:"address"`
		} `json:"servers"`
	} `json:"loadBalancer"`
	Status string   `json:"status"`
	Errors []string `json:"error"`
}

func (v streamView) compare(name string, want *StreamService) error {
	servers := v.LoadBalancer.Servers
	if len(servers) != 1 || servers[0].Address != want.LoadBalancer.Servers[0].Address {
		return fmt.Errorf("service %s is not as published", name)
	}
	if v.Status != statusEnabled || len(v.Errors) > 0 {
		return &RejectedError{Name: "service " + name, Errors: append(v.Errors, "status "+v.Status)}
	}
	return nil
}

// router is the part of it that the proxy shows like a router of HTTP.
func (r StreamRouter) router() *Router {
	return &Router{EntryPoints: r.EntryPoints, Middlewares: r.Middlewares, Service: r.Service, Rule: r.Rule}
}

// streamsOf are the sections of public ports by the proxy's names of them.
func streamsOf(c *Configuration) map[string]UDPSection {
	streams := map[string]UDPSection{"tcp": {}, "udp": {}}
	if c.TCP != nil {
		streams["tcp"] = UDPSection{Routers: c.TCP.Routers, Services: c.TCP.Services}
	}
	if c.UDP != nil {
		streams["udp"] = *c.UDP
	}
	return streams
}

// compareStreams asks for each public port by its name.
func (c *Client) compareStreams(ctx context.Context, want *Configuration) error {
	for kind, section := range streamsOf(want) {
		for _, name := range slices.Sorted(maps.Keys(section.Routers)) {
			var router routerView
			if err := c.fetch(ctx, "/api/"+kind+"/routers/"+name+providerSuffix, &router); err != nil {
				return err
			}
			var service streamView
			if err := c.fetch(ctx, "/api/"+kind+"/services/"+name+providerSuffix, &service); err != nil {
				return err
			}
			if err := compareStream(name, section, router, service); err != nil {
				return err
			}
		}
	}
	return nil
}

func compareStream(name string, want UDPSection, router routerView, service streamView) error {
	if err := router.compare(name, want.Routers[name].router()); err != nil {
		return err
	}
	return service.compare(name, want.Services[name])
}

// compareStreams checks all public ports of the file provider.
func (s stateView) compareStreams(want *Configuration) error {
	shown := map[string]struct {
		routers  map[string]routerView
		services map[string]streamView
	}{"tcp": {s.TCPRouters, s.TCPServices}, "udp": {s.UDPRouters, s.UDPServices}}
	for kind, section := range streamsOf(want) {
		for name := range section.Routers {
			if err := compareStream(name, section, shown[kind].routers[name+providerSuffix], shown[kind].services[name+providerSuffix]); err != nil {
				return err
			}
		}
		for name := range shown[kind].routers {
			if ours, isOurs := strings.CutSuffix(name, providerSuffix); isOurs && section.Routers[ours] == nil {
				return fmt.Errorf("router %s is still there", ours)
			}
		}
	}
	return nil
}
