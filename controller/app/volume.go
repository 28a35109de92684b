package app

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/volume"
)

// MostMounts is the most volumes of one app.
const MostMounts = 32

// Volume is a named folder that outlives the releases of the apps that mount it.
type Volume struct {
	Name        volume.Name
	Description string
	CreatedAt   time.Time
}

// Mount puts a volume into an app.
type Mount struct {
	Volume   volume.Name
	Target   plan.MountTarget
	ReadOnly bool
}

// ParseVolumeName returns s as a name, or a Problem of problem.KindInvalid.
func ParseVolumeName(s string) (volume.Name, error) {
	name, err := volume.ParseName(s)
	return name, VolumeProblem("name", err)
}

// ParseMount returns the mount that a form names, or a Problem of problem.KindInvalid.
func ParseMount(name, target string, readOnly bool) (Mount, error) {
	parsed, err := volume.ParseName(name)
	if err != nil {
		return Mount{}, VolumeProblem("volume", err)
	}
	place, err := plan.ParseMountTarget(target)
	if err != nil {
		return Mount{}, problem.Refused("target", err)
	}
	return Mount{Volume: parsed, Target: place, ReadOnly: readOnly}, nil
}

// CheckMounts refuses mounts that conflict within one app.
func CheckMounts(mounts []Mount) error {
	if len(mounts) > MostMounts {
		return problem.Invalid(
			fmt.Sprintf("There are %d volumes, and an app can have %d.", len(mounts), MostMounts),
			"Keep more in one volume.",
		).At("target")
	}
	for i, mount := range mounts {
		same := func(other Mount) bool { return other.Target == mount.Target }
		if slices.ContainsFunc(mounts[:i], same) {
			return problem.Invalid(
				fmt.Sprintf("Two volumes are to be mounted at %s.", mount.Target),
				"Choose another path for one of them.",
			).At("target")
		}
	}
	return nil
}

// VolumeProblem turns a refusal of package volume into a Problem of the form's field.
func VolumeProblem(field string, err error) error {
	refusal, ok := errors.AsType[*volume.Refusal](err)
	if !ok {
		return err
	}
	return &problem.Problem{Kind: volumeKind(refusal.Code), Field: field, Message: refusal.Error(), Hint: refusal.Hint}
}

func volumeKind(code volume.Code) problem.Kind {
	switch code {
	case volume.Missing:
		return problem.KindNotFound
	case volume.Conflict:
		return problem.KindConflict
	case volume.TooLarge:
		return problem.KindTooLarge
	case volume.Full:
		return problem.KindFull
	default:
		return problem.KindInvalid
	}
}
