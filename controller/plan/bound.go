package plan

// BoundAs says what a file or folder of the archive becomes that a service mounts.
type BoundAs string

// The ways of having it.
const (
	BoundImage  BoundAs = "image"  // a part of the service's image
	BoundVolume BoundAs = "volume" // a volume of the app that is filled from it once
)

// Bound is a file or folder of the archive that a service mounts, and that can be had in
// either way.
type Bound struct {
	Service string
	Target  string // in the service, absolute and clean
	Source  string // in the archive; empty means its top
	Folder  bool
	As      BoundAs
}

// Key names it among those of a plan.
func (b Bound) Key() string { return BoundKey(b.Service, b.Target) }

// BoundKey names what a service mounts at a clean path.
func BoundKey(service, target string) string { return service + ":" + target }
