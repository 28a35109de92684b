package release

import (
	"context"
	"net"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/recovery"
	"berth/controller/routing"
	"berth/traefik"
)

// starting is what there is to know of a service to start its instances.
type starting struct {
	app         app.App
	release     app.Release
	run         app.ServiceRun // its Spec in the clear
	image       docker.Image
	network     docker.Network
	environment environment.OpenEnvironment
}

// optionsOf are those to start one instance of the service with.
func (c Specs) optionsOf(s starting, name string) docker.StartOptions {
	options := docker.StartOptions{
		App: string(s.app.Name), Release: s.release.Number, Name: name, Image: s.image, Network: s.network,
		Service: s.run.Spec, Secrets: s.environment.Secrets, Mounts: engineMounts(s.run.Mounts(s.release)),
		Volumes: make(map[string]string, len(s.run.Spec.Mounts)), Record: recovery.Describe(s.app, s.release, s.run),
	}
	if s.run.KeptFrom != 0 {
		options.Release = s.run.KeptFrom
	}
	for own, name := range s.run.Volumes(s.release) {
		options.Volumes[own] = c.engine.VolumeName(name)
	}
	main, _, unplaced := net.SplitHostPort(s.release.Address)
	if s.run.Main {
		options.Labels = traefik.Labels(routing.TargetOf(app.Routing{
			App: s.app.Name, Release: s.release.Number, Routes: s.app.Routes, Address: s.release.Address,
			Scheme: s.release.Settings.Readiness.Scheme, Leads: s.app.Leads(s.release),
		}))
		// The proxy knows one name: all instances answer to it.
		if unplaced == nil && main != name {
			options.Aliases = []string{main}
		}
	}
	if unplaced == nil && !s.run.Sole { // a public port may lead to any service
		options.Aliases = append(options.Aliases, app.ServiceAlias(main, s.run.Spec.Name))
	}
	return options
}

// StartOptionsOf are those that an instance of a live release was started with.
func (c Specs) StartOptionsOf(ctx context.Context, app app.App, live app.Release, run app.ServiceRun, name string) (docker.StartOptions, error) {
	image, err := c.images.FindImage(ctx, run.Image)
	if err != nil {
		return docker.StartOptions{}, err
	}
	network, err := c.engine.EnsureNetwork(ctx, string(app.Name), live.Network())
	if err != nil {
		return docker.StartOptions{}, err
	}
	environment, err := c.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return docker.StartOptions{}, err
	}
	if run.Spec, err = c.specOf(live.App, run, environment); err != nil {
		return docker.StartOptions{}, err
	}
	return c.optionsOf(starting{app: app, release: live, run: run, image: image, network: network, environment: environment}, name), nil
}
