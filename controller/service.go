package controller

import (
	"fmt"
	"maps"
	"slices"

	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/volume"
)

// ServiceRun is how one service of a release runs.
type ServiceRun struct {
	// Spec is what the plan says of it, but for how it is built. As the ledger keeps
	// it, the files that the archive brought as secrets are sealed.
	Spec plan.Service
	// Main is the service that the route leads to.
	Main      bool
	Image     string   // engine id
	Instances []string // engine names of its containers
	// KeptFrom is the number of the release that started its instances, where that is
	// an earlier one: a service with data goes on running where nothing about it changed.
	KeptFrom int64
}

// Composed reports whether the app of the release was made from a compose file.
func (r Release) Composed() bool { return len(r.Services) > 0 }

// Runs returns the services of the release in the order in which they start; of an
// app made from a Dockerfile the one that there is, without its environment.
func (r Release) Runs() []ServiceRun {
	if r.Composed() {
		return r.Services
	}
	return []ServiceRun{{Spec: r.Settings.planOptions().Service(), Main: true, Image: r.Image, Instances: r.Instances}}
}

// MainRun is the service that the route leads to.
func (r Release) MainRun() ServiceRun {
	runs := r.Runs()
	return runs[max(0, slices.IndexFunc(runs, func(run ServiceRun) bool { return run.Main }))]
}

// network is the number of the network that the release runs on: its own where it
// has several services, so that those of two releases never resolve each other.
func (r Release) network() int64 {
	if r.Composed() {
		return r.Number
	}
	return 0
}

// images are the engine's ids of all images of the release.
func (r Release) images() []string {
	var images []string
	for _, run := range r.Runs() {
		if run.Image != "" {
			images = append(images, run.Image)
		}
	}
	return images
}

// writes reports whether a service of the release writes into a volume.
func (r Release) writes() bool {
	return slices.ContainsFunc(r.Runs(), func(run ServiceRun) bool { return len(run.written(r)) > 0 })
}

// again returns the services of the release for another one that runs the same
// images, with what settings say of them.
func (r Release) again(settings Settings) []ServiceRun {
	var services []ServiceRun
	for _, run := range r.Services {
		run.Instances, run.KeptFrom = nil, 0
		run.Spec = settings.applied(run, r.Settings)
		services = append(services, run)
	}
	return services
}

// applied returns the spec of a service with what differs from the settings before.
// What stays as it was may be the compose file's own. The limits and the port are
// the main service's.
func (s Settings) applied(run ServiceRun, before Settings) plan.Service {
	spec := run.Spec
	if s.WritableRoot != before.WritableRoot {
		spec.Waivers.WritableRoot = s.WritableRoot
	}
	if s.Database != before.Database || s.DatabaseServices != before.DatabaseServices {
		spec.Waivers.Database = s.Database && s.planOptions().IsDatabase(spec.Name, spec.Image)
	}
	if !run.Main {
		return spec
	}
	if s.Port != before.Port {
		spec.Port = s.Port
	}
	if s.MemoryBytes != before.MemoryBytes {
		spec.Limits.MemoryBytes = s.MemoryBytes
	}
	if s.NanoCPUs != before.NanoCPUs {
		spec.Limits.NanoCPUs = s.NanoCPUs
	}
	if s.Processes != before.Processes {
		spec.Limits.Processes = s.Processes
	}
	return spec
}

// volumes are the stack's volumes that the service mounts, by the names of the file.
func (r ServiceRun) volumes(app AppName) map[string]volume.Name {
	volumes := make(map[string]volume.Name, len(r.Spec.Mounts))
	for _, mount := range r.Spec.Mounts {
		volumes[mount.Volume] = volume.OfApp(string(app), mount.Volume)
	}
	return volumes
}

// written are the volumes that the service writes into, the app's own among them.
func (r ServiceRun) written(release Release) []volume.Name {
	var names []volume.Name
	for _, mount := range r.Spec.Mounts {
		if !mount.ReadOnly {
			names = append(names, volume.OfApp(string(release.App), mount.Volume))
		}
	}
	for _, mount := range r.mounts(release) {
		if !mount.ReadOnly {
			names = append(names, mount.Volume)
		}
	}
	return names
}

// allMounts are the volumes of all services, those of the compose file and the app's own.
func (r Release) allMounts() []Mount {
	var mounts []Mount
	for _, run := range r.Runs() {
		mounts = append(mounts, run.allMounts(r)...)
	}
	return mounts
}

// allMounts are the volumes of the service, those of the compose file and the app's own.
func (r ServiceRun) allMounts(release Release) []Mount {
	mounts := slices.Clone(r.mounts(release))
	for _, mount := range r.Spec.Mounts {
		mounts = append(mounts, Mount{Volume: volume.OfApp(string(release.App), mount.Volume), ReadOnly: mount.ReadOnly})
	}
	return mounts
}

// mounts are the app's own: they are the main service's.
func (r ServiceRun) mounts(release Release) []Mount {
	if !r.Main {
		return nil
	}
	return release.Mounts
}

// runsOnce reports whether the service is not started again after it has ended well.
func (r ServiceRun) runsOnce() bool { return r.Spec.Restart.Mode != plan.Always }

// done reports whether an instance has ended as it should.
func (r ServiceRun) done(condition docker.Condition) bool {
	return r.runsOnce() && !condition.Running && !condition.Restarting && condition.ExitCode == 0 && !condition.FinishedAt.IsZero()
}

// instanceNames are the names of the service's instances in a release of that number.
func (c *Controller) instanceNames(id ReleaseID, service plan.Service) []string {
	first := c.engine.InstanceName(string(id.App), id.Number, service.Name)
	names := []string{first}
	if service.Name == plan.MainService {
		first += "." + plan.MainService // no other service's name is made of this one's then
	}
	for number := 2; number <= service.Count(); number++ {
		names = append(names, docker.ReplicaName(first, number))
	}
	return names
}

// instancesOf are the names of all instances of the services.
func instancesOf(services []ServiceRun) []string {
	var names []string
	for _, service := range services {
		names = append(names, service.Instances...)
	}
	return names
}

// sealed returns the services as the ledger keeps them.
func (c *Controller) sealed(app AppName, services []ServiceRun) []ServiceRun {
	kept := make([]ServiceRun, 0, len(services))
	for _, service := range services {
		service.Spec.Build = plan.Build{}
		service.Spec.Files = slices.Clone(service.Spec.Files)
		for i, file := range service.Spec.Files {
			if file.Private {
				service.Spec.Files[i].Content = c.key.Seal(file.Content, filePlace(app, service.Spec, file))
			}
		}
		kept = append(kept, service)
	}
	return kept
}

// unsealed is the opposite of sealed, for one service.
func (c *Controller) unsealed(app AppName, spec plan.Service) (plan.Service, error) {
	spec.Files = slices.Clone(spec.Files)
	for i, file := range spec.Files {
		if !file.Private {
			continue
		}
		content, err := c.key.Open(file.Content, filePlace(app, spec, file))
		if err != nil {
			return plan.Service{}, cannotOpen(file.Path, err)
		}
		spec.Files[i].Content = content
	}
	return spec, nil
}

// filePlace binds what is sealed to its app, its service and its path.
func filePlace(app AppName, service plan.Service, file plan.File) string {
	return fmt.Sprintf("file of %s: %s: %s", app, service.Name, file.Path)
}

// fileSecrets are the secrets that the archive brings as files, by name, to be masked.
func fileSecrets(services []plan.Service) map[string]string {
	found := make(map[string]string)
	for _, service := range services {
		for _, file := range service.Files {
			if file.Private {
				found[file.Path[len(plan.SecretsFolder)+1:]] = string(file.Content)
			}
		}
	}
	return found
}

// maskWith is the mask of the environment's secrets and of the files that the
// archive brings as secrets.
func (e openEnvironment) maskWith(services []plan.Service) *mask {
	all := fileSecrets(services)
	maps.Copy(all, e.secrets)
	return newMask(all)
}
