package router

import "berth/controller"

// cancelRelease stops a release that is under way.
func (a *admin) cancelRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if err := a.apps.Cancel(v.context(), id); err != nil {
		problem := asProblem(err)
		if problem.Kind != controller.KindConflict && problem.Kind != controller.KindInvalid {
			return err
		}
		a.logProblem(v, problem)
		return a.releaseForm(v, id, problem)
	}
	return v.seeResult(releasePath(id))
}
