package router

import (
	"fmt"
	"net/url"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

// retryView is what the page of a release offers for another try.
type retryView struct {
	Port         uint16 // that the app listens on; 0 where it is not known
	Folder       string // that a volume belongs at; empty where it is not known
	Volume       string // a name for it
	WritableRoot bool
	RootStart    string // a service that is to start as root; empty where that would not help
	Memory       string // MB, more than the app has; empty where that would not help
	Settings     app.SettingsForm
}

// retryViewOf returns nil where the release cannot be tried again.
func (a *admin) retryViewOf(release app.Release, found app.App) *retryView {
	if !release.CanRetry() {
		return nil
	}
	remedy := release.Remedy
	view := &retryView{
		Port: remedy.Port, Folder: remedy.Folder, Settings: found.Settings.Form(),
		WritableRoot: remedy.WritableRoot && !found.Settings.WritableRoot && !a.forbids(app.WaiverWritableRoot),
	}
	if service := remedy.RootStart; service != "" && !found.Settings.StartsAsRoot(service) && !a.forbids(app.WaiverRootStart) {
		view.RootStart = service
	}
	if view.Folder != "" {
		name := string(release.App)
		view.Volume = strings.TrimRight(name[:min(len(name), 35)], "-") + "-data" // a volume has 40 letters
	}
	if remedy.Memory {
		more := found.Settings
		more.MemoryBytes *= 2
		view.Memory = more.Form().Memory
	}
	return view
}

func (a *admin) forbids(waiver app.Waiver) bool {
	return app.Forbids(a.settings.ForbiddenWaivers(), waiver)
}

// rootStartRemedy is the form that lets a service start as root.
type rootStartRemedy struct {
	RootStart, Path, FormToken string
}

// Remedy is the form that goes to the path.
func (r *retryView) Remedy(path, formToken string) rootStartRemedy {
	return rootStartRemedy{r.RootStart, path, formToken}
}

// retryRelease tries again what failed: 303 to the new release's page.
func (a *admin) retryRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	view, err := a.apps.App(v.context(), id.App)
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	mount := mountJSON{Volume: typed.Get(fieldVolume), Target: typed.Get(fieldTarget)}
	release, err := a.retry(v, id, retrySettings(view.Settings, typed), mount)
	if err != nil {
		fault := asProblem(err)
		switch fault.Kind {
		case problem.KindNotFound, problem.KindInternal, problem.KindUnauthorized:
			return err
		}
		a.logProblem(v, fault)
		return a.releaseForm(v, id, fault)
	}
	return v.seeResult(releasePath(release.ReleaseID))
}

// retrySettings are those of the app, with what was typed in their place.
func retrySettings(settings app.Settings, typed url.Values) app.SettingsForm {
	form := settings.Form()
	if typed.Has(fieldPort) {
		form.Port = typed.Get(fieldPort)
	}
	if typed.Has(fieldMemory) {
		form.Memory = typed.Get(fieldMemory)
	}
	if names := typed.Get(app.FieldRootStart); names != "" {
		form.Choices.RootStart += "," + names
	}
	form.WritableRoot = form.WritableRoot || typed.Get(fieldWritableRoot) != ""
	return form
}

// retry queues the new release. A mount without a volume and a target is none.
func (a *admin) retry(v *visit, id app.ReleaseID, form app.SettingsForm, mount mountJSON) (app.Release, error) {
	settings, err := a.settings.ParseSettings(form)
	if err != nil {
		return app.Release{}, err
	}
	changes := controller.Retry{Settings: settings}
	if mount != (mountJSON{}) {
		if changes.Mount, err = app.ParseMount(mount.Volume, mount.Target, mount.ReadOnly); err != nil {
			return app.Release{}, err
		}
		v.done.detail = fmt.Sprintf("with the volume %s at %s", changes.Mount.Volume, changes.Mount.Target)
	}
	if v.caller.token.Scope != "" {
		view, err := a.apps.App(v.context(), id.App)
		if err != nil {
			return app.Release{}, err
		}
		if err := v.mayWaive(view.App, settings); err != nil {
			return app.Release{}, err
		}
	}
	return a.releases.Retry(v.context(), id, changes, v.caller.name())
}

// retryWish is what another try changes.
type retryWish struct {
	settingsJSON
	Mount mountJSON `json:"mount"`
}

// apiRetryRelease takes settings and one more volume, all optional, as JSON.
func (a *admin) apiRetryRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	view, err := a.apps.App(v.context(), id.App)
	if err != nil {
		return err
	}
	wish := retryWish{settingsJSON: settingsJSONOf(view.Settings)}
	if v.request().ContentLength != 0 {
		if err := decodeJSON(v.request(), &wish, `{"port": 5000, "mount": {"volume": "my-data", "target": "/data"}}`); err != nil {
			return err
		}
	}
	release, err := a.retry(v, id, wish.form(), wish.Mount)
	if err != nil {
		return err
	}
	return v.createdRelease(release)
}
