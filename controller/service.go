package controller

import (
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
)

// instanceNames are the names of the service's instances in a release of that number.
func (c *shipper) instanceNames(id app.ReleaseID, service plan.Service) []string {
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

// sealed returns the services as the ledger keeps them.
func (c *shipper) sealed(name app.Name, services []app.ServiceRun) []app.ServiceRun {
	kept := make([]app.ServiceRun, 0, len(services))
	for _, service := range services {
		service.Spec.Build = plan.Build{}
		service.Spec.Files = slices.Clone(service.Spec.Files)
		for i, file := range service.Spec.Files {
			if file.Private {
				service.Spec.Files[i].Content = c.key.Seal(file.Content, app.FilePlace(name, service.Spec, file))
			}
		}
		kept = append(kept, service)
	}
	return kept
}

// unsealed is the opposite of sealed, for one service.
func (c *shipper) unsealed(name app.Name, spec plan.Service) (plan.Service, error) {
	spec.Files = slices.Clone(spec.Files)
	for i, file := range spec.Files {
		if !file.Private {
			continue
		}
		content, err := c.key.Open(file.Content, app.FilePlace(name, spec, file))
		if err != nil {
			return plan.Service{}, environment.CannotOpen(file.Path, err)
		}
		spec.Files[i].Content = content
	}
	return spec, nil
}
