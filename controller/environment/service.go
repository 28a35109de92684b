package environment

import (
	"maps"

	"berth/controller/app"
	"berth/controller/plan"
)

// MaskWith is the mask of the environment's secrets, and of the files that the archive
// brings as secrets.
func (e OpenEnvironment) MaskWith(services []plan.Service) *Mask {
	all := app.FileSecrets(services)
	maps.Copy(all, e.Secrets)
	return NewMask(all)
}
