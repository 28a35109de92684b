package router

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/backup/hook"
)

// Hooks keeps the commands around the backups of apps.
type Hooks interface {
	View(context.Context, app.Name) (hook.View, error)
	Save(context.Context, hook.Hook) error
	Delete(context.Context, app.Name) error
}

// fieldHookOffer names the service whose known database is dumped.
const fieldHookOffer = "backup_offer"

// hookView is the part of the app's page about the command before a backup.
type hookView struct {
	hook.View
	Path          string
	Before, After string // a word a line; as typed, else the app's
	Service       string
}

func (a *admin) hookViewOf(v *visit, name app.Name) (hookView, error) {
	view, err := a.hooks.View(v.context(), name)
	if err != nil {
		return hookView{}, err
	}
	shown := hookView{
		View: view, Path: hookPath(name), Service: view.Hook.Service,
		Before: strings.Join(view.Hook.Before, "\n"), After: strings.Join(view.Hook.After, "\n"),
	}
	if form := v.request().PostForm; form.Has(hook.FieldBefore) {
		shown.Service, shown.Before, shown.After = form.Get(hook.FieldService), form.Get(hook.FieldBefore), form.Get(hook.FieldAfter)
	}
	return shown, nil
}

// updateHook gives an app the command before its backups, or takes it away where the form
// has none: 303 to the app's page.
func (a *admin) updateHook(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	wish, err := a.hookOf(v, name)
	if err == nil {
		err = a.saveHook(v, wish)
	}
	if err != nil {
		return a.refuseOnApp(v, name, tabSettings, err)
	}
	said := "The command before the backups of %s is saved. Make a backup to try it."
	if len(wish.Before) == 0 {
		said = "No command runs before the backups of %s."
	}
	if err := v.notify(fmt.Sprintf(said, name)); err != nil {
		return err
	}
	return v.seeOther(tabPath(name, tabSettings))
}

// hookOf is what the form asks for: an offer, or what was typed.
func (a *admin) hookOf(v *visit, name app.Name) (hook.Hook, error) {
	form := v.request().PostForm
	if form.Has(fieldHookOffer) {
		view, err := a.hooks.View(v.context(), name)
		if err != nil {
			return hook.Hook{}, err
		}
		at := slices.IndexFunc(view.Offers, func(o hook.Offer) bool { return o.Service == form.Get(fieldHookOffer) })
		if at >= 0 {
			return view.Offers[at].Hook, nil
		}
	}
	return hook.Hook{App: name, Service: form.Get(hook.FieldService), Before: words(form.Get(hook.FieldBefore)), After: words(form.Get(hook.FieldAfter))}, nil
}

// words are the lines that have something.
func words(text string) []string {
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(text, "\r", ""), "\n"), func(line string) bool { return line == "" })
}

func (a *admin) saveHook(v *visit, wish hook.Hook) error {
	v.done.detail = "no command" // what was typed may hold a secret
	if len(wish.Before)+len(wish.After) == 0 {
		return a.hooks.Delete(v.context(), wish.App)
	}
	v.done.detail = "a command"
	return a.hooks.Save(v.context(), wish)
}

// hookJSON is the command around backups as the API shows and takes it.
type hookJSON struct {
	Service string   `json:"backup_service"`
	Before  []string `json:"backup_before"`
	After   []string `json:"backup_after"`
}

// offerJSON is a command that fits a known image.
type offerJSON struct {
	Database string `json:"database"`
	hookJSON
}

// hookViewJSON is the command with those that would fit.
type hookViewJSON struct {
	hookJSON
	Offers []offerJSON `json:"offers"`
}

// apiShowHook answers with the command of the app, and with those that would fit.
func (a *admin) apiShowHook(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	view, err := a.hooks.View(v.context(), name)
	if err != nil {
		return err
	}
	offers := []offerJSON{}
	for _, offer := range view.Offers {
		offers = append(offers, offerJSON{offer.Database, hookJSON{offer.Service, list(offer.Before), list(offer.After)}})
	}
	return v.json(http.StatusOK, hookViewJSON{hookJSON{view.Hook.Service, list(view.Hook.Before), list(view.Hook.After)}, offers})
}

// apiUpdateHook replaces the command of the app. One without a command takes it away.
func (a *admin) apiUpdateHook(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish hookJSON
	if err := decodeJSON(v.request(), &wish, `{"backup_service": "db", "backup_before": ["pg_dump", "--file", "/data/dump.sql"], "backup_after": []}`); err != nil {
		return err
	}
	if err := a.saveHook(v, hook.Hook{App: name, Service: wish.Service, Before: wish.Before, After: wish.After}); err != nil {
		return err
	}
	return v.emptyAnswer()
}

func hookPath(name app.Name) string { return appPath(name) + "/backup-hook" }
