package router

import (
	"context"
	"fmt"

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
		return a.refuseOnApp(v, name, tabOverview, err)
	}
	if err := v.notify(fmt.Sprintf(done, name)); err != nil {
		return err
	}
	if v.request().PostForm.Get("from") == "dashboard" {
		return v.seeOther("/admin")
	}
	return v.seeOther(appPath(name))
}
