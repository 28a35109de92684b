package router

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/secret"
)

// Environments shows and changes an app's variables.
type Environments interface {
	Environment(context.Context, app.Name) (environment.Environment, error)
	UpdateEnvironment(context.Context, app.Name, app.EnvironmentChange) (environment.Environment, error)
	ApplyEnvironment(ctx context.Context, app app.Name, by string) (app.Release, error)
}

// The fields of the environment's forms, as the controller's problems name them.
const (
	fieldVariable    = "name"
	fieldValue       = "value"
	fieldKind        = "kind" // kindVariable or kindFile, else it is a secret
	fieldEnvText     = "text"
	fieldOldVariable = "old"
	fieldBuild       = "build" // builds get the variable too; on the upload, names of such variables
)

const (
	kindVariable = "variable"
	kindFile     = "file" // a secret that the app gets as a file
)

type environmentPage struct {
	frame
	App         app.Name
	State       badge
	UnderWay    bool // a release is on its way: nothing can be applied now
	Environment environment.Environment
	Form        variableForm
	Import      importForm
	Problems    fieldProblems
}

// Appliable reports whether there are changes that can be applied now: that is what the
// page's main button does then.
func (p environmentPage) Appliable() bool {
	return p.Environment.Unapplied() > 0 && p.Environment.Live != 0 && !p.UnderWay
}

// variableForm is the form for one variable as it was typed.
type variableForm struct {
	Name, Value string // the value of a secret is never given back
	Shown       bool   // it is no secret
	File        bool   // it is a secret that the app gets as a file
	Build       bool   // builds get it too
	Old         string // of one that is there: its name, which the form shows the value of
}

// importForm is the form for a .env text as it was typed.
type importForm struct {
	Text  string // of secrets never given back
	Shown bool   // they are no secrets
}

// Path is the address of the page.
func (p environmentPage) Path() string { return environmentPath(p.App) }

// Changes says in words how many changes wait.
func (p environmentPage) Changes() string { return changesText(p.Environment.Unapplied()) }

// showEnvironment is the environment of an app; with ?name= the form holds that variable.
func (a *admin) showEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := a.environmentPage(v, name)
	if err != nil {
		return err
	}
	if variable, ok := page.Environment.Find(v.gin.Query(fieldVariable)); ok {
		page.Form = variableForm{Name: variable.Name, Value: variable.Value, Shown: !variable.Secret, File: variable.File, Build: variable.Build, Old: variable.Name}
	}
	return v.page(page.Problems.status(), "environment", page)
}

// setVariable saves one variable: 303 back to the page.
func (a *admin) setVariable(v *visit) error {
	form := v.request().PostForm
	wish := app.VariableWish{
		Name: strings.TrimSpace(form.Get(fieldVariable)), Value: secret.Text(unixLines(form.Get(fieldValue))),
		Secret: form.Get(fieldKind) != kindVariable, File: form.Get(fieldKind) == kindFile, Build: isTicked(form.Get(fieldBuild)),
	}
	return a.changeEnvironment(v, app.EnvironmentChange{Set: []app.VariableWish{wish}}, wish.Name+" is saved.")
}

// importVariables saves what a .env text holds. What is a secret already stays one.
func (a *admin) importVariables(v *visit) error {
	form := v.request().PostForm
	name, err := v.app()
	if err != nil {
		return err
	}
	imported, err := app.ParseEnvironmentText(form.Get(fieldEnvText), form.Get(fieldKind) != kindVariable)
	if err != nil {
		return a.refuseOnEnvironment(v, name, err)
	}
	done := "1 variable is saved."
	if n := len(imported.Wishes); n != 1 {
		done = fmt.Sprintf("%d variables are saved.", n)
	}
	if len(imported.References) > 0 {
		done += fmt.Sprintf(" Variables aren't expanded: ${...} is kept as it is in %s.", app.NameList(imported.References))
	}
	return a.changeEnvironment(v, app.EnvironmentChange{Set: imported.Wishes, StaySecret: true, StayBuild: true}, done)
}

// deleteVariable takes one variable away.
func (a *admin) deleteVariable(v *visit) error {
	name := v.request().PostForm.Get(fieldVariable)
	return a.changeEnvironment(v, app.EnvironmentChange{Remove: []string{name}}, name+" is removed.")
}

// applyEnvironment makes a release that runs with what was saved: 303 to its page.
func (a *admin) applyEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	release, err := a.environments.ApplyEnvironment(v.context(), name, v.caller.name())
	if err != nil {
		return a.refuseOnEnvironment(v, name, err)
	}
	if release.Number != 0 {
		v.done.detail = release.String()
		return v.seeResult(releasePath(release.ReleaseID))
	}
	v.done.detail = "nothing to apply"
	if err := v.notify("There was nothing to apply: the running release has this environment, or nothing is deployed yet."); err != nil {
		return err
	}
	return v.seeOther(environmentPath(name))
}

// changeEnvironment saves the change and goes back to the page, which says done.
func (a *admin) changeEnvironment(v *visit, change app.EnvironmentChange, done string) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	saved, err := a.environments.UpdateEnvironment(v.context(), name, change)
	if err != nil {
		return a.refuseOnEnvironment(v, name, err)
	}
	v.done.detail = change.Summary()
	for _, wish := range change.Set {
		if warning := app.VariableWarning(wish.Name); warning != "" {
			done += fmt.Sprintf(" Warning: %s: %s", wish.Name, warning)
		}
	}
	if saved.Unapplied() > 0 {
		done += fmt.Sprintf(" %s. Click Apply to use it.", changesText(saved.Unapplied()))
	}
	if err := v.notify(done); err != nil {
		return err
	}
	return v.seeOther(environmentPath(name))
}

// refuseOnEnvironment shows the page with the reason, and what was typed but secrets.
func (a *admin) refuseOnEnvironment(v *visit, name app.Name, err error) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	page, err := a.environmentPage(v, name)
	if err != nil {
		return err
	}
	for _, problem := range problems {
		a.logProblem(v, problem)
	}
	typed := v.request().PostForm
	page.Problems = problems
	page.Form, page.Import = typedVariable(typed), typedImport(typed)
	for _, field := range []string{"", "keep_secrets"} {
		if problems[field] != nil {
			page.Problem = problems[field]
		}
	}
	return v.page(problems.status(), "environment", page)
}

func (a *admin) environmentPage(v *visit, name app.Name) (environmentPage, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return environmentPage{}, err
	}
	environment, err := a.environments.Environment(v.context(), name)
	if err != nil {
		return environmentPage{}, err
	}
	page := environmentPage{
		frame: v.frame("Environment of "+string(name)).on(name, tabEnvironment), App: name, State: appBadge(view.Observed.State),
		UnderWay: view.UnderWay != nil, Environment: environment,
	}
	return page, nil
}

func typedVariable(form url.Values) variableForm {
	if form.Has(fieldEnvText) {
		return variableForm{}
	}
	typed := variableForm{Old: form.Get(fieldOldVariable), Name: form.Get(fieldVariable), Shown: form.Get(fieldKind) == kindVariable, File: form.Get(fieldKind) == kindFile, Build: isTicked(form.Get(fieldBuild))}
	if typed.Shown {
		typed.Value = unixLines(form.Get(fieldValue))
	}
	return typed
}

func typedImport(form url.Values) importForm {
	typed := importForm{Shown: form.Get(fieldKind) == kindVariable}
	if typed.Shown {
		typed.Text = unixLines(form.Get(fieldEnvText))
	}
	return typed
}

// unixLines undoes what browsers do to the ends of lines in a form.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// changesText says how many changes of an environment wait.
func changesText(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 change is not applied yet"
	default:
		return fmt.Sprintf("%d changes are not applied yet", n)
	}
}

func environmentPath(name app.Name) string { return appPath(name) + "/environment" }
