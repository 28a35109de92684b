package router

import "berth/controller/app"

// undoView is the button beside a notice that undoes the stop of an app.
type undoView struct {
	App  app.Name
	Path string // that starts it
	From string // the page that shows the notice, as the form says it; empty: the app's own
	View string // of the dashboard
}

// takeUndo takes the button that waits for the next page; nil where none does.
func (v *visit) takeUndo() *undoView {
	name, waits := v.session().Get(undoKey).(string)
	if !waits {
		return nil
	}
	v.session().Delete(undoKey)
	made := &undoView{App: app.Name(name), Path: appPath(app.Name(name)) + "/start"}
	if at := v.request().URL; at.Path == dashboardPath {
		made.From, made.View = "dashboard", typedDashboardQuery(at.Query()).Query()
	}
	return made
}
