package router

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/tagwatch"
)

// TagWatches deploy apps again when the tags of their images move.
type TagWatches interface {
	Show(context.Context, app.Name) (tagwatch.Watch, error)
	Save(ctx context.Context, name app.Name, on bool, minutes int) (tagwatch.Watch, error)
}

// tagWatchView is the part of the app's page about the tag of its image.
type tagWatchView struct {
	Path     string // of the form
	Shown    bool   // the app runs an image, or has a watch
	Image    string // that runs; empty where the app was built
	Pinned   string // of Image
	On       bool
	Minutes  string // as typed, else the app's
	Seen     string // what the tag meant at the last look
	LookedAt time.Time
	Fault    string
	Problems fieldProblems
}

func (a *admin) tagWatchViewOf(v *visit, name app.Name, running *imageView) (tagWatchView, error) {
	kept, err := a.tagWatches.Show(v.context(), name)
	if err != nil {
		return tagWatchView{}, err
	}
	view := tagWatchView{
		Path: tagWatchPath(name), Shown: kept.On || running != nil, On: kept.On, Minutes: strconv.Itoa(kept.Minutes),
		Seen: kept.Seen, LookedAt: kept.LookedAt, Fault: kept.Fault,
	}
	if running != nil {
		view.Image, view.Pinned = running.Ref(), running.Pinned
	}
	return view, nil
}

// typed shows what was typed, with its problems.
func (w *tagWatchView) typed(form url.Values, problems fieldProblems) {
	w.Problems = problems
	if form.Has(tagwatch.FieldMinutes) {
		w.Shown, w.On, w.Minutes = true, form.Get(tagwatch.FieldOn) != "", form.Get(tagwatch.FieldMinutes)
	}
}

// updateTagWatch changes whether the app is deployed again when its tag moves.
func (a *admin) updateTagWatch(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	form := v.request().PostForm
	minutes, err := strconv.Atoi(cmp.Or(strings.TrimSpace(form.Get(tagwatch.FieldMinutes)), strconv.Itoa(tagwatch.DefaultMinutes)))
	if err != nil {
		minutes = 0 // which is no number of minutes either
	}
	if _, err := a.saveTagWatch(v, named.Name, form.Get(tagwatch.FieldOn) != "", minutes); err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, err)
	}
	if err := v.notify("The watch of the tag is saved."); err != nil {
		return err
	}
	return v.seeOther(tabPath(named.Name, tabSettings))
}

// saveTagWatch keeps what a person or a program chose.
func (a *admin) saveTagWatch(v *visit, name app.Name, on bool, minutes int) (tagwatch.Watch, error) {
	v.done.detail = "watch of the image's tag"
	return a.tagWatches.Save(v.context(), name, on, minutes)
}

func tagWatchPath(name app.Name) string { return appPath(name) + "/image-tag" }
