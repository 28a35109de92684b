package router

import "berth/controller"

// updateApp takes a new archive for an app: 303 to the page of its next release.
func (a *admin) updateApp(v *visit) error {
	release, form, err := a.acceptUpdate(v)
	if err != nil {
		return err
	}
	problem := form.problems.first()
	if problem == nil {
		return v.seeOther(releasePath(release.ReleaseID))
	}
	if v.caller.bearer {
		return problem
	}
	name, err := v.app()
	if err != nil {
		return err
	}
	return a.refuseOnApp(v, name, problem)
}

func (a *admin) acceptUpdate(v *visit) (controller.Release, *upload, error) {
	name, err := v.app()
	if err != nil {
		return controller.Release{}, nil, err
	}
	form, err := a.readUpload(v, func(*upload) error {
		// Before the file, not after it: an app that is missing takes no archive.
		_, err := a.apps.App(v.context(), name)
		return err
	})
	if err != nil || len(form.problems) > 0 {
		return controller.Release{}, form, err
	}
	defer form.archive.Discard()
	release, err := a.apps.AcceptUpdate(v.context(), name, form.archive, v.caller.name())
	return release, form, form.problems.add(err)
}
