package router

import (
	"berth/controller"
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
		return a.appForm(v, name, tabOverview, nil)
	}
	return a.refuseOnApp(v, name, tabOverview, problem)
}

func (a *admin) acceptUpdate(v *visit) (app.Release, *upload, error) {
	name, err := v.app()
	if err != nil {
		return app.Release{}, nil, err
	}
	wish := controller.Upload{Name: name, Next: true, By: v.caller.name()}
	form, err := a.readUpload(v, func(form *upload) error {
		// Before the file, not after it: an app that is missing takes no archive.
		view, err := a.apps.App(v.context(), name)
		if err != nil {
			return err
		}
		if err := form.refuseServiceRoutes(); err != nil {
			return err
		}
		if err := form.parseChoices(view.Settings, &wish); err != nil {
			return err
		}
		return v.mayWish(view.App, wish)
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
	if len(wish.Environment) > 0 {
		v.done.detail = app.EnvironmentChange{Set: wish.Environment}.Summary()
	}
	release, err := a.deploy(v, form, wish)
	return release, form, err
}
