package router

import (
	"berth/controller/problem"
)

// cancelRelease stops a release that is under way.
func (a *admin) cancelRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if err := a.releases.Cancel(v.context(), id); err != nil {
		fault := asProblem(err)
		if fault.Kind != problem.KindConflict && fault.Kind != problem.KindInvalid {
			return err
		}
		a.logProblem(v, fault)
		return a.releaseForm(v, id, fault)
	}
	return v.seeResult(releasePath(id))
}
