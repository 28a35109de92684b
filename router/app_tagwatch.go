package router

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
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
	Check(context.Context, app.Name) (tagwatch.Watch, error)
	Address(tagwatch.Watch) (string, error)
	MakeHook(context.Context, app.Name) (tagwatch.Hook, error)
	DropHook(context.Context, app.Name) error
	Deliver(ctx context.Context, path string, request *http.Request, body []byte) (app.Name, error)
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
	Address  string // for the registry; empty while there is none
	Secret   string // just made: shown now and never again
	Back     string
	Problems fieldProblems
}

func (a *admin) tagWatchViewOf(v *visit, name app.Name, running *imageView) (tagWatchView, error) {
	kept, err := a.tagWatches.Show(v.context(), name)
	if err != nil {
		return tagWatchView{}, err
	}
	view := tagWatchView{
		Path: tagWatchPath(name), Shown: kept.On || kept.HasHook() || running != nil, On: kept.On, Minutes: strconv.Itoa(kept.Minutes),
		Seen: kept.Seen, LookedAt: kept.LookedAt, Fault: kept.Fault,
	}
	path, err := a.tagWatches.Address(kept)
	if err != nil {
		return tagWatchView{}, err
	}
	view.Address, view.Back = a.tagHookAddress(v.request(), path), tabPath(name, tabSettings)
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

// checkTag looks at the tag now: 303 back, with what came of it.
func (a *admin) checkTag(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	found, err := a.lookAtTag(v, named.Name)
	if err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, err)
	}
	said := "The tag was looked at, and means " + found.Seen + "."
	if found.Fault != "" {
		said = "The look failed. " + found.Fault
	}
	if err := v.notify(said); err != nil {
		return err
	}
	return v.seeOther(tabPath(named.Name, tabSettings))
}

func (a *admin) lookAtTag(v *visit, name app.Name) (tagwatch.Watch, error) {
	v.done.detail = "look at the image's tag"
	return a.tagWatches.Check(v.context(), name)
}

// createTagHook makes an address and a secret, and answers with the one page that ever shows
// the secret.
func (a *admin) createTagHook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	made, err := a.makeTagHook(v, named.Name)
	if err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, err)
	}
	page, err := a.appPage(v, named.Name)
	if err != nil {
		return err
	}
	page.TagWatch.Secret = made.Secret.Reveal()
	return a.settingsTab(v, page)
}

func (a *admin) makeTagHook(v *visit, name app.Name) (tagwatch.Hook, error) {
	v.done.detail = "a new address and secret for the registry"
	return a.tagWatches.MakeHook(v.context(), name)
}

// deleteTagHook takes the address away: 303 back.
func (a *admin) deleteTagHook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	if err := a.dropTagHook(v, named.Name); err != nil {
		return err
	}
	if err := v.notify("The registry can no longer tell Berth of pushes."); err != nil {
		return err
	}
	return v.seeOther(tabPath(named.Name, tabSettings))
}

func (a *admin) dropTagHook(v *visit, name app.Name) error {
	v.done.detail = "no address for the registry"
	return a.tagWatches.DropHook(v.context(), name)
}

// tagHookPath is where registries tell of pushes. The id is the random part.
const (
	tagHookPath  = webhookPath + "images/"
	tagHookRoute = tagHookPath + ":id"
)

// tagHookAddress is what a registry is given; empty without a path.
func (a *admin) tagHookAddress(r *http.Request, path string) string {
	if path == "" {
		return ""
	}
	return "https://" + a.authority(r) + tagHookPath + path
}

// receiveTagHook takes what a registry sends, which has no session and no form of ours: the
// secret proves it. What it sends is not believed.
func (a *admin) receiveTagHook(v *visit) error {
	body, err := io.ReadAll(v.request().Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		return err
	}
	name, err := a.tagWatches.Deliver(v.context(), v.gin.Param("id"), v.request(), body)
	v.done.halfway = name == "" // nothing of ours was named
	v.done.resource, v.done.detail = "app "+string(name), "a registry told of a push"
	if err != nil {
		return err
	}
	v.gin.Status(http.StatusAccepted)
	v.gin.Writer.WriteHeaderNow()
	return nil
}

func tagWatchPath(name app.Name) string { return appPath(name) + "/image-tag" }
