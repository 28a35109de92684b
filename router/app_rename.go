package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"berth/controller/app"
	"berth/controller/renaming"
)

// Renames give apps other names.
type Renames interface {
	// Rename returns the new name, and the release that runs under it; the zero Release where
	// the app does not run.
	Rename(context.Context, renaming.Wish) (app.Name, app.Release, error)
}

// The fields of the form, which stands beside others.
const (
	fieldNewName      = "new_name"
	fieldFormerLeads  = "redirect_former"
	exampleRenameJSON = `{"name": "store", "redirect": true}`
)

// renameView is the form that gives an app another name.
type renameView struct {
	Path     string
	Former   string // the route by the name, as the checkbox names it; empty where there is none
	Name     string // as typed
	Redirect bool   // as ticked
	Problems fieldProblems
}

func renameViewOf(found app.App) renameView {
	view := renameView{Path: appPath(found.Name) + "/rename"}
	for _, route := range found.Routes {
		if route.Path == app.NamePath(found.Name) {
			view.Former = route.String()
		}
	}
	return view
}

// typed shows what was typed, with its problems.
func (r *renameView) typed(form url.Values, problems fieldProblems) {
	r.Name, r.Redirect, r.Problems = form.Get(fieldNewName), isTicked(form.Get(fieldFormerLeads)), problems
}

// renameApp leads to the release that runs under the new name, or to the app's page.
func (a *admin) renameApp(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	form := v.request().PostForm
	to, release, err := a.rename(v, found.Name, form.Get(fieldNewName), isTicked(form.Get(fieldFormerLeads)))
	if err != nil {
		return a.refuseOnApp(v, found.Name, tabSettings, movedFaults(err, map[string]string{renaming.FieldName: fieldNewName}))
	}
	if release.Number != 0 {
		return v.seeResult(releasePath(release.ReleaseID))
	}
	if err := v.notify(fmt.Sprintf("%s is called %s now.", found.Name, to)); err != nil {
		return err
	}
	return v.seeOther(tabPath(to, tabSettings))
}

// renameWish is the name that a request asks for.
type renameWish struct {
	Name     string `json:"name"`
	Redirect bool   `json:"redirect"` // the path of the former name redirects to the new one
}

// apiRenameApp answers 201 with the release that runs under the new name, or 200 with the app
// where there is nothing to run.
func (a *admin) apiRenameApp(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	var wish renameWish
	if err := decodeJSON(v.request(), &wish, exampleRenameJSON); err != nil {
		return err
	}
	to, release, err := a.rename(v, found.Name, wish.Name, wish.Redirect)
	if err != nil {
		return err
	}
	if release.Number != 0 {
		return v.createdRelease(release)
	}
	view, err := a.apps.App(v.context(), to)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, v.appJSON(view))
}

func (a *admin) rename(v *visit, name app.Name, to string, redirect bool) (app.Name, app.Release, error) {
	v.done.resource, v.done.detail = "app "+string(name), "not renamed"
	called, release, err := a.renames.Rename(v.context(), renaming.Wish{App: name, To: to, Redirect: redirect, By: v.caller.name()})
	if err == nil {
		v.done.resource, v.done.detail = "app "+string(called), "was "+string(name)
	}
	return called, release, err
}
