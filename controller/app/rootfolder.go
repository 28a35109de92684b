package app

import "berth/controller/volume"

// RootPrefix begins the watch's name for the file system of an instance that may write to
// it. No volume has such a name.
const RootPrefix = "/"

// rootOf is the watch's name for the file system of an instance.
func rootOf(instance string) volume.Name { return volume.Name(RootPrefix + instance) }

// Watched returns the volumes that the service writes into, and the file systems of its
// instances if they are writable, or if their images declare volumes that go with them.
func (r ServiceRun) Watched(release Release) []volume.Name {
	names := r.Written(release)
	if !r.Spec.Waivers.WritesRoot() && len(r.Spec.Scratch) == 0 {
		return names
	}
	for _, instance := range r.Instances {
		names = append(names, rootOf(instance))
	}
	return names
}
