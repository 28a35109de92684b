package router

import (
	"context"
	"fmt"
	"net/url"

	"berth/controller/app"
)

func (a *admin) startApp(v *visit) error {
	return a.act(v, a.apps.Start, "%s is starting.")
}

func (a *admin) stopApp(v *visit) error {
	return a.act(v, a.apps.Stop, "%s is stopped. Its route answers again once it is started.")
}

func (a *admin) restartApp(v *visit) error {
	return a.act(v, a.apps.Restart, "%s is restarted.")
}

// act does something to the app of the path and goes back to where the button was.
func (a *admin) act(v *visit, do func(context.Context, app.Name) error, done string) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if err := do(v.context(), name); err != nil {
		return a.refuseOnApp(v, name, err)
	}
	if err := v.notify(fmt.Sprintf(done, name)); err != nil {
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
