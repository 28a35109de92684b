package router

import (
	"slices"

	"berth/controller/app"
)

// readinessView are the fields of a form that say when a release counts as ready.
type readinessView struct {
	Typed    app.ReadinessForm
	Problems fieldProblems
}

// readinessFields are the fields of the readiness, as the problems name them.
var readinessFields = []string{app.FieldReady, app.FieldReadyPath, app.FieldReadyStatus, app.FieldStartTime, app.FieldScheme}

// Ready are the page's fields of the readiness.
func (p appPage) Ready() readinessView { return readinessView{p.Settings.Readiness, p.Problems} }

// Open reports whether the fields are to be shown open.
func (r readinessView) Open() bool {
	return slices.ContainsFunc(readinessFields, func(field string) bool { return r.Problems[field] != nil })
}
