package release

import (
	"context"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/secret"
)

// Specs knows what instances of releases are started with.
type Specs struct {
	history History
	images  Images
	engine  Engine
	key     secret.Key
}

// NewSpecs returns the Specs of the releases in a ledger.
func NewSpecs(history History, images Images, engine Engine, key secret.Key) Specs {
	return Specs{history: history, images: images, engine: engine, key: key}
}

// OpenEnvironmentOf opens the secrets of a release.
func (c Specs) OpenEnvironmentOf(ctx context.Context, id app.ReleaseID) (environment.OpenEnvironment, error) {
	kept, err := c.history.FindEnvironmentOf(ctx, id)
	if err != nil {
		return environment.OpenEnvironment{}, err
	}
	return c.Open(id.App, kept)
}

// Open opens what the ledger keeps of an app's variables.
func (c Specs) Open(name app.Name, kept []app.Variable) (environment.OpenEnvironment, error) {
	return environment.Open(c.key, name, kept)
}

// specOf is what a service of an app runs with: as it was planned, and a sole service
// with all variables.
func (c Specs) specOf(name app.Name, run app.ServiceRun, environment environment.OpenEnvironment) (plan.Service, error) {
	spec, err := c.Unsealed(name, run.Spec)
	if err == nil && run.Sole {
		spec.Environment = environment.Variables
		spec = environment.Deliver(spec)
	}
	return spec, err
}

// instanceNames are the names of the service's instances in a release of that number.
func (c *Shipper) instanceNames(id app.ReleaseID, service plan.Service) []string {
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

// sealed returns the services as the ledger keeps them: without their builds, without the
// variables of a sole service, and with sealed files.
func (c *Shipper) sealed(name app.Name, services []app.ServiceRun) []app.ServiceRun {
	kept := make([]app.ServiceRun, 0, len(services))
	for _, service := range services {
		service.Spec.Build = plan.Build{}
		if service.Sole {
			service.Spec.Environment, service.Spec.Files = nil, nil
		}
		service.Spec = environment.SealFiles(c.key, name, service.Spec)
		kept = append(kept, service)
	}
	return kept
}

// Unsealed is the opposite of sealed, for one service.
func (c Specs) Unsealed(name app.Name, spec plan.Service) (plan.Service, error) {
	return environment.UnsealFiles(c.key, name, spec)
}

// SameDefinition reports whether all is as it was that needs a new container when it
// changes, but for the image.
func (c *Shipper) SameDefinition(live app.Release, old app.ServiceRun, service plan.Service, environment, former environment.OpenEnvironment) (bool, error) {
	spec, err := c.Unsealed(live.App, old.Spec)
	if err != nil {
		return false, err
	}
	for _, name := range service.SecretsOf() {
		if environment.Secrets[name] != former.Secrets[name] {
			return false, nil
		}
	}
	return spec.Fingerprint() == service.Fingerprint(), nil
}

// MaskOf returns the mask of what a release prints: of its secrets, and of the files that
// its archive brings as secrets.
func (c Specs) MaskOf(ctx context.Context, release app.Release) (*environment.Mask, error) {
	opened, err := c.OpenEnvironmentOf(ctx, release.ReleaseID)
	if err != nil {
		return nil, err
	}
	var specs []plan.Service
	for _, run := range release.Services {
		spec, err := c.Unsealed(release.App, run.Spec)
		if err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return opened.MaskWith(specs), nil
}
