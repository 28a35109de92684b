package router

import (
	"context"
	"net/url"

	"berth/controller/app"
	"berth/controller/duplicate"
	"berth/controller/problem"
)

// Duplicates deploy a new app from what another one was deployed from.
type Duplicates interface {
	Duplicate(context.Context, duplicate.Wish) (app.Release, error)
}

// The fields of the form, which stands beside others.
const (
	fieldTwinName  = "duplicate_name"
	fieldTwinRoute = "duplicate_route"
)

// duplicateView is the form that asks for another app like this one.
type duplicateView struct {
	Path        string
	Name, Route string // as typed
	Problems    fieldProblems
}

func duplicateViewOf(found app.App) duplicateView {
	return duplicateView{Path: appPath(found.Name) + "/duplicate"}
}

// typed shows what was typed, with its problems.
func (d *duplicateView) typed(form url.Values, problems fieldProblems) {
	d.Name, d.Route, d.Problems = form.Get(fieldTwinName), form.Get(fieldTwinRoute), problems
}

// duplicateApp leads to the first release of the new app.
func (a *admin) duplicateApp(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	release, err := a.duplicate(v, found.Name, typed.Get(fieldTwinName), typed.Get(fieldTwinRoute))
	if err != nil {
		return a.refuseOnApp(v, found.Name, tabSettings, movedFaults(err, map[string]string{fieldName: fieldTwinName, fieldRoute: fieldTwinRoute}))
	}
	return v.seeResult(releasePath(release.ReleaseID))
}

// duplicateWish is the app that a request asks for.
type duplicateWish struct {
	Name  string `json:"name"`
	Route string `json:"route"`
}

// apiDuplicateApp answers with the first release of the new app.
func (a *admin) apiDuplicateApp(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	var wish duplicateWish
	if err := decodeJSON(v.request(), &wish, `{"name": "shop-test", "route": "/shop-test"}`); err != nil {
		return err
	}
	release, err := a.duplicate(v, found.Name, wish.Name, wish.Route)
	if err != nil {
		return err
	}
	return v.createdRelease(release)
}

// duplicate says all that is wrong with the wish at once.
func (a *admin) duplicate(v *visit, of app.Name, name, route string) (app.Release, error) {
	wish := duplicate.Wish{Of: of, By: v.caller.name()}
	var faults problem.Problems
	var err error
	if wish.Name, err = app.ParseName(name); err != nil {
		faults = append(faults, asProblem(err))
	}
	if wish.Route, err = a.routing.ParseRoute(route); err != nil {
		faults = append(faults, asProblem(err))
	}
	if len(faults) > 0 {
		return app.Release{}, faults
	}
	v.done.resource, v.done.detail = "app "+name, "a duplicate of "+string(of)
	return a.duplicates.Duplicate(v.context(), wish)
}
