package release

import "berth/controller/plan"

// declare settles what becomes of the volumes that the image of the service declares:
// volumes of the app if a person chose that, else they go with the container.
func (p *planned) declare(service *shipped) {
	var own []string
	for _, mount := range service.Mounts(p.release) {
		own = append(own, string(mount.Target))
	}
	var taken []string
	for _, other := range p.services {
		for _, mount := range other.Spec.Mounts {
			taken = append(taken, mount.Volume)
		}
	}
	before := len(service.Spec.Mounts)
	service.Spec = service.Spec.Declare(without(plan.Clean(service.image.Volumes), own), p.release.Settings.Choices.ImageVolumes, taken)
	for _, mount := range service.Spec.Mounts[before:] {
		p.log.Say("the image of %s declares a volume at %s: it is a volume of the app, called %s", service.Spec.Name, mount.Target, mount.Volume)
	}
}
