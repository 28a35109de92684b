package app

import (
	"fmt"
	"slices"

	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/volume"
)

// ServiceRun describes how one service of a release runs.
type ServiceRun struct {
	// Spec is the plan of the service, without its build. In the ledger, the files that
	// the archive brought as secrets are sealed.
	Spec plan.Service
	// Main is the service that the route leads to.
	Main bool
	// Sole is the one service of an archive without a compose file, or of an image. It
	// gets all variables of the app when it starts, so the ledger keeps none in its Spec.
	Sole      bool
	Image     string   // engine id
	Instances []string // engine names of its containers
	// KeptFrom is the number of the release that started its instances, if that is an
	// earlier one: a service with data keeps running if nothing about it changed.
	KeptFrom int64
}

// MainRun is the service that the route leads to; the zero ServiceRun before the release
// is planned.
func (r Release) MainRun() ServiceRun {
	at := slices.IndexFunc(r.Services, func(run ServiceRun) bool { return run.Main })
	if at < 0 {
		return ServiceRun{}
	}
	return r.Services[at]
}

// PlannedWithVariables reports whether the plan of the release depends on the app's
// variables, as a compose file does. A sole service gets them when it starts.
func (r Release) PlannedWithVariables() bool { return len(r.Services) > 0 && !r.Services[0].Sole }

// Network is the number of the release's network; 0 is the app's own. Named services
// have a network for each release, so that services of two releases never resolve each
// other. So has a release that may not connect to everything: what leads out of a network
// cannot be changed.
func (r Release) Network() int64 {
	if r.Settings.Egress.Mode.Closed() || len(r.Services) > 0 && !r.Services[0].Sole {
		return r.Number
	}
	return 0
}

// Images are the engine's ids of all images of the release.
func (r Release) Images() []string {
	var images []string
	for _, run := range r.Services {
		if run.Image != "" {
			images = append(images, run.Image)
		}
	}
	return images
}

// Writes reports whether a service of the release writes into a volume.
func (r Release) Writes() bool {
	return slices.ContainsFunc(r.Services, func(run ServiceRun) bool { return len(run.Written(r)) > 0 })
}

// Again returns the services for another release that runs the same images, with the
// given settings.
func (r Release) Again(settings Settings) []ServiceRun {
	var services []ServiceRun
	for _, run := range r.Services {
		run.Instances, run.KeptFrom = nil, 0
		run.Spec = settings.applied(run, r.Settings)
		services = append(services, run)
	}
	return services
}

// applied returns the spec of a service with the settings that differ from before. An
// unchanged setting may come from the compose file. The limits and the port belong to the
// main service.
func (s Settings) applied(run ServiceRun, before Settings) plan.Service {
	spec := run.Spec
	if run.Sole {
		image, site := spec.Image, spec.Site
		spec = s.PlanOptions().Service()
		spec.Image, spec.Site, spec.Mounts, spec.Scratch = image, site, run.Spec.Mounts, run.Spec.Scratch
		return spec
	}
	if s.WritableRoot != before.WritableRoot {
		spec.Waivers.WritableRoot = s.WritableRoot
	}
	if s.Database != before.Database || s.DatabaseServices != before.DatabaseServices {
		spec.Waivers.Database = s.Database && s.PlanOptions().IsDatabase(spec.Name, spec.Image)
	}
	if s.Choices.RootStart != before.Choices.RootStart {
		spec.Waivers.RootStart = s.StartsAsRoot(spec.Name)
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

// Volumes returns the stack's volumes that the service mounts, by their names in the
// compose file.
func (r ServiceRun) Volumes(release Release) map[string]volume.Name {
	volumes := make(map[string]volume.Name, len(r.Spec.Mounts))
	for _, mount := range r.Spec.Mounts {
		volumes[mount.Volume] = release.OwnVolume(mount.Volume)
	}
	return volumes
}

// Written returns the volumes that the service writes into, with the app's own.
func (r ServiceRun) Written(release Release) []volume.Name {
	var names []volume.Name
	for _, mount := range r.Spec.Mounts {
		if !mount.ReadOnly {
			names = append(names, release.OwnVolume(mount.Volume))
		}
	}
	for _, mount := range r.Mounts(release) {
		if !mount.ReadOnly {
			names = append(names, mount.Volume)
		}
	}
	return names
}

// AllMounts returns the volumes of all services: those of the compose file and the app's
// own.
func (r Release) AllMounts() []Mount {
	var mounts []Mount
	for _, run := range r.Services {
		mounts = append(mounts, run.AllMounts(r)...)
	}
	return mounts
}

// AllMounts returns the volumes of the service: those of the compose file and the app's
// own.
func (r ServiceRun) AllMounts(release Release) []Mount {
	mounts := slices.Clone(r.Mounts(release))
	for _, mount := range r.Spec.Mounts {
		mounts = append(mounts, Mount{Volume: release.OwnVolume(mount.Volume), ReadOnly: mount.ReadOnly})
	}
	return mounts
}

// Mounts returns the app's own mounts, which belong to the main service.
func (r ServiceRun) Mounts(release Release) []Mount {
	if !r.Main {
		return nil
	}
	return release.Mounts
}

// RunsOnce reports whether the service is not started again after a success.
func (r ServiceRun) RunsOnce() bool { return r.Spec.Restart.Mode != plan.Always }

// Done reports whether an instance has ended with success.
func (r ServiceRun) Done(condition docker.Condition) bool {
	return r.RunsOnce() && !condition.Running && !condition.Restarting && condition.ExitCode == 0 && !condition.FinishedAt.IsZero()
}

// InstancesOf returns the names of all instances of the services.
func InstancesOf(services []ServiceRun) []string {
	var names []string
	for _, service := range services {
		names = append(names, service.Instances...)
	}
	return names
}

// FilePlace binds a sealed file to its app, its service and its path.
func FilePlace(app Name, service plan.Service, file plan.File) string {
	return fmt.Sprintf("file of %s: %s: %s", app, service.Name, file.Path)
}

// FileSecrets returns the secrets that the archive brings as files, by name, for the
// mask.
func FileSecrets(services []plan.Service) map[string]string {
	found := make(map[string]string)
	for _, service := range services {
		for _, file := range service.Files {
			if file.Private && !plan.RefersToSecret(string(file.Content)) { // the secrets in it have masks
				found[file.Path[len(plan.SecretsFolder)+1:]] = string(file.Content)
			}
		}
	}
	return found
}
