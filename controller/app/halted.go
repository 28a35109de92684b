package app

import (
	"slices"

	"berth/controller/volume"
)

// HaltedService is a service of an app's live release that Berth has stopped until a
// person starts the app again.
type HaltedService struct {
	Service string
	Main    bool        // the app's routes lead to it
	Volume  volume.Name // the volume over its quota, by its name in the watch; empty if the disk was nearly full
	Reason  string      // for the person
}

// Halts returns why Berth has stopped the service, or nil.
func (a App) Halts(run ServiceRun) *HaltedService {
	at := slices.IndexFunc(a.Halted, func(halted HaltedService) bool { return halted.Service == run.Spec.Name })
	if at < 0 {
		return nil
	}
	return &a.Halted[at]
}

// HaltsService reports whether Berth has stopped the service of that name.
func (a App) HaltsService(name string) bool {
	return slices.ContainsFunc(a.Halted, func(halted HaltedService) bool { return halted.Service == name })
}

// HaltedFor reports whether Berth has stopped a service of the app because of the volume.
func (a App) HaltedFor(name volume.Name) bool {
	return slices.ContainsFunc(a.Halted, func(halted HaltedService) bool { return halted.Volume == name })
}
