package router

import (
	"context"
	"fmt"
	"net/url"

	"berth/controller/app"
)

func (a *admin) startApp(v *visit) error {
	return a.act(v, appAction{do: a.apps.Start, done: "%s is starting."})
}

func (a *admin) stopApp(v *visit) error {
	return a.act(v, appAction{do: a.apps.Stop, done: "%s is stopped. Its route answers again once it is started.", undo: true})
}

func (a *admin) restartApp(v *visit) error {
	return a.act(v, appAction{do: a.apps.Restart, done: "%s is restarted."})
}

// appAction is what a button does to an app.
type appAction struct {
	do   func(context.Context, app.Name) error
	done string // says so, with the name in it
	undo bool   // a start undoes it
}

// act does something to the app of the path and goes back to where the button was.
func (a *admin) act(v *visit, action appAction) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if err := action.do(v.context(), name); err != nil {
		return a.refuseOnApp(v, name, tabOverview, err)
	}
	if action.undo {
		v.session().Set(undoKey, string(name))
	}
	if err := v.notify(fmt.Sprintf(action.done, name)); err != nil {
		return err
	}
	return v.seeOther(v.cameFrom(name))
}

// cameFrom is the page of the button that was pressed: the dashboard as it was shown, or the
// app's page.
func (v *visit) cameFrom(name app.Name) string {
	typed := v.request().PostForm
	if typed.Get("from") != "dashboard" {
		return appPath(name)
	}
	view, err := url.ParseQuery(typed.Get(fieldView))
	if err != nil {
		return dashboardPath
	}
	return typedDashboardQuery(view).Path()
}
