package router

import (
	"berth/controller/app"
)

// updateApp takes a new archive for an app: 303 to the page of its next release,
// or the app's page with how it will be built.
func (a *admin) updateApp(v *visit) error {
	release, form, err := a.acceptUpdate(v)
	if err != nil {
		return err
	}
	problem := form.problems.first()
	switch {
	case problem == nil && release.Number != 0:
		return v.seeResult(releasePath(release.ReleaseID))
	case problem == nil && form.preview != nil && v.caller.bearer:
		return v.previewJSON(*form.preview)
	case problem != nil && v.caller.bearer:
		return problem
	}
	name, err := v.app()
	if err != nil {
		return err
	}
	v.upload = form
	if problem == nil {
		return a.appForm(v, name, nil)
	}
	return a.refuseOnApp(v, name, problem)
}

func (a *admin) acceptUpdate(v *visit) (app.Release, *upload, error) {
	name, err := v.app()
	if err != nil {
		return app.Release{}, nil, err
	}
	form, err := a.readUpload(v, func(*upload) error {
		// Before the file, not after it: an app that is missing takes no archive.
		_, err := a.apps.App(v.context(), name)
		return err
	})
	defer form.archive.Discard()
	if err == nil && a.givesUp(v, form) {
		return app.Release{}, form, nil
	}
	if err != nil || len(form.problems) > 0 {
		v.done.halfway = form.checks() && err == nil
		a.settleHeld(v, form)
		return app.Release{}, form, err
	}
	if form.checks() && form.image != "" {
		v.done.halfway = true
		return app.Release{}, form, form.problems.add(nothingToSee())
	}
	if form.checks() {
		preview, err := a.apps.ExamineUpdate(v.context(), name, form.archive)
		return app.Release{}, form, a.settleCheck(v, form, name, preview, err)
	}
	release, err := a.acceptNext(v, form, name)
	err = form.problems.add(err)
	a.settleHeld(v, form)
	return release, form, err
}

func (a *admin) acceptNext(v *visit, form *upload, name app.Name) (app.Release, error) {
	if form.archive != nil {
		return a.apps.AcceptUpdate(v.context(), name, form.archive, v.caller.name())
	}
	if form.image != "" {
		v.done.detail = string(form.image)
		return a.apps.AcceptImage(v.context(), name, form.image, v.caller.name())
	}
	key, err := v.heldKey(form)
	if err != nil {
		return app.Release{}, err
	}
	return a.apps.AcceptHeldUpdate(v.context(), key, name, v.caller.name())
}
