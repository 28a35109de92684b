package router

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"berth/controller/app"
	"berth/controller/label"
	"berth/controller/problem"
)

// Labels keeps the project and the tags of apps.
type Labels interface {
	// UpdateLabels is problem.ErrNotFound for an app that is not there.
	UpdateLabels(ctx context.Context, name app.Name, labels label.Labels) error
}

// labelsView is the form about the project and the tags of an app.
type labelsView struct {
	Path          string
	Project, Tags string // as typed, else the app's
	Problems      fieldProblems
}

func labelsViewOf(found app.App) labelsView {
	return labelsView{Path: appPath(found.Name) + "/labels", Project: found.Labels.Project, Tags: strings.Join(found.Labels.Tags, " ")}
}

// typed shows what was typed, with its problems.
func (l *labelsView) typed(form url.Values, problems fieldProblems) {
	l.Problems = problems
	if form.Has(label.FieldTags) {
		l.Project, l.Tags = form.Get(label.FieldProject), form.Get(label.FieldTags)
	}
}

// updateLabels files an app, at once.
func (a *admin) updateLabels(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	labels, err := label.Parse(typed.Get(label.FieldProject), typed.Get(label.FieldTags))
	if err != nil {
		return a.refuseOnApp(v, name, tabSettings, err)
	}
	if err := a.fileApp(v, name, labels); err != nil {
		return err
	}
	if err := v.notify("Saved. The dashboard shows the app by them."); err != nil {
		return err
	}
	return v.seeOther(tabPath(name, tabSettings))
}

func (a *admin) fileApp(v *visit, name app.Name, labels label.Labels) error {
	err := a.labels.UpdateLabels(v.context(), name, labels)
	if errors.Is(err, problem.ErrNotFound) {
		return app.Missing(name, err)
	}
	v.done.detail = "project and tags"
	return err
}

// labelsWish is what a request changes of an app. What it leaves out stays as it is.
type labelsWish struct {
	Project *string  `json:"project"` // empty: none
	Tags    []string `json:"tags"`    // all of them; [] is none
}

// apiFileApp files an app and answers with it.
func (a *admin) apiFileApp(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	var wish labelsWish
	if err := decodeJSON(v.request(), &wish, `{"project": "Shop", "tags": ["web"]}`); err != nil {
		return err
	}
	labels, err := wish.on(view.Labels)
	if err != nil {
		return err
	}
	if err := a.fileApp(v, view.Name, labels); err != nil {
		return err
	}
	view.Labels = labels
	return v.json(http.StatusOK, v.appJSON(view))
}

// on is what labels become of those that an app has.
func (w labelsWish) on(has label.Labels) (label.Labels, error) {
	project, tags := has.Project, has.Tags
	if w.Project != nil {
		project = *w.Project
	}
	if w.Tags != nil {
		tags = w.Tags
	}
	return label.New(project, tags)
}
