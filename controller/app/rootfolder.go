package app

import "berth/controller/volume"

// RootPrefix begins the name under which the watch keeps the file system of an instance
// that may write to it. No name of a volume has it.
const RootPrefix = "/"

// rootOf is the file system of an instance as the watch names it.
func rootOf(instance string) volume.Name { return volume.Name(RootPrefix + instance) }

// Watched are the volumes that the service writes into, and the file systems of its
// instances where it may write to them.
func (r ServiceRun) Watched(release Release) []volume.Name {
	names := r.Written(release)
	if !r.Spec.Waivers.WritableRoot {
		return names
	}
	for _, instance := range r.Instances {
		names = append(names, rootOf(instance))
	}
	return names
}
