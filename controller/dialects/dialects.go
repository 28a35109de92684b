// Package dialects stands between an archive and the planner. It finds the template of another platform in the archive, makes
// the values that the template leaves open once, as variables of the app, and gives the planner plain compose.
package dialects

import (
	"context"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/planner"
)

// App is what a template may know of the app that is made of it.
type App struct {
	Values map[string]string // of its variables by name, secrets in the clear
	Host   string            // of its first route; empty means that any host leads to it
	Plain  []string          // names of variables that a person keeps plain, although they look like secrets
}

// Plan is planner.From for an archive that may hold a template. The variables of the
// template are those of the options: Plan makes no values, so that it plans the same again
// and again.
func Plan(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	found, err := read(ctx, tree, o)
	if err != nil {
		return plan.Plan{}, err
	}
	return found.plan(ctx, tree, o)
}

// First is Plan for an upload, whose archive it opens and closes. It also returns the variables of the template that the app
// lacks, each with a new value: the plan has them, and the app is to have them from then on.
func First(ctx context.Context, open func() (*archive.Tree, error), o plan.Options, of App) (plan.Plan, []app.TemplateVariable, error) {
	tree, err := open()
	if err != nil {
		return plan.Plan{}, nil, err
	}
	defer tree.Close()
	found, err := read(ctx, tree, o)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	missing, err := found.missing(of)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	made, err := found.plan(ctx, tree, withVariables(o, missing))
	return made, missing, err
}

// plan plans the archive with the template in it. The template may be nil.
func (t *template) plan(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	if t == nil {
		return planner.From(ctx, tree, o)
	}
	texts, left, err := t.texts(tree, o)
	if err != nil {
		return plan.Plan{}, err
	}
	o = t.withoutOwn(o)
	o.Texts = texts
	if o.Main == "" {
		o.Main = t.form.Main
	}
	if o.Port == 0 && o.Main == t.form.Main {
		o.Port = t.form.Port
	}
	made, err := planner.From(ctx, tree, o)
	if err != nil {
		return plan.Plan{}, err
	}
	made.Notes = append(append(t.notes(made.Main), left...), made.Notes...)
	return made, nil
}
