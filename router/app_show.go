package router

import (
	"net"
	"slices"
	"strconv"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/chart"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/reach"
	"berth/controller/secret"
	"berth/controller/volume"
)

type appPage struct {
	frame
	App       appRow
	Releases  []releaseRow
	Port      string
	CreatedAt time.Time
	MostBytes int64
	Waivers   []badge
	Access    string // who gets in, in a few words
	Closed    bool   // nobody does
	Down      bool   // the maintenance page is shown
	Variables int    // of the environment
	Unapplied string // how many changes of it wait; empty where none do
	Problems  fieldProblems
	Room      string // what is left of the limit on updates, where it is little
	Confirm   string // what was typed to confirm the deletion
	Checked   bool   // the box that asks to see an update first
	Asked     choicesView
	Held      *heldView // the archive that was looked into, nil where there is none

	Settings                    app.SettingsForm // as typed, else the app's
	LeastSettings, MostSettings app.SettingsForm
	Forbidden                   []app.Waiver // by the operator
	Image                       string       // as typed
	Dockerfile                  string       // as typed
	Running                     *imageView   // of the live release, nil where it was built

	Services []serviceRow    // where there are several
	Volumes  []volumeWarning // that it writes into, over their quota for now

	Proof *reach.Proof // that the proxy is the only way to it, nil until it was tried

	Egress   egressView
	Push     pushView
	Webhook  webhookView
	TagWatch tagWatchView
	Labels   labelsView

	Duplicate duplicateView
	Rename    renameView

	Move *moveView // to another server; nil where there is none

	Hook hookView // around backups

	Assets *assetsView // of the first page that visitors do not get, nil where they do

	Mounts      []mountRow // as typed, else the app's
	VolumeNames []volume.Name
	OwnVolumes  []ownVolumeRow // of its compose file
	NewVolume   newVolumeForm
	VolumeRoom  string // what is left of the limit on volumes, where it is little

	Charts []chart.Chart // of the last Range
	Range  string

	view     controller.AppView
	releases []app.Release // newest first
}

// imageView is the image that a release runs instead of one that was built.
type imageView struct {
	Reference plan.ImageReference
	Pinned    string
}

// Ref is the reference as text.
func (i imageView) Ref() string { return string(i.Reference) }

// ImageField is the page's field for an image.
func (p appPage) ImageField() imageField {
	return imageField{Image: p.Image, Problem: p.Problems[fieldImage]}
}

// DockerfileField is the page's field for the path of a Dockerfile.
func (p appPage) DockerfileField() dockerfileField {
	return dockerfileField{Path: p.Dockerfile, Problem: p.Problems[fieldDockerfile]}
}

// ArchiveField is the page's file field.
func (p appPage) ArchiveField() archiveField {
	return archiveField{MostBytes: p.MostBytes, Problem: p.Problems[fieldArchive]}
}

// streamApp sends the parts of the app's page that change by themselves.
func (a *admin) streamApp(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	shown := make(map[string]string)
	return a.watch(v, watching{topic: view.Name, pause: time.Second, every: 5 * time.Second}, func(stream *eventStream) (bool, error) {
		page, err := a.appPage(v, view.Name)
		if isMissing(err) {
			return true, stream.send("gone", "", "")
		}
		if err != nil {
			return false, err
		}
		for _, part := range []string{"summary", "releases", "refused"} {
			html, err := v.fragment("app", part, page)
			if err != nil {
				return false, err
			}
			if shown[part] == html {
				continue
			}
			shown[part] = html
			if err := stream.send(part, "", html); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}

// overviewTab is the app's state, its newest figures, the form of an update and its output.
func (a *admin) overviewTab(v *visit, page appPage) error {
	name := page.view.Name
	if v.upload != nil {
		page.Image, page.Dockerfile = v.upload.fields[fieldImage], v.upload.fields[fieldDockerfile]
	}
	page.Checked = v.upload != nil && v.upload.checks()
	page.Asked = a.choicesOf(v.upload, true)
	page.Held = v.viewHeld(v.upload, page.App.Path+"/update")
	page.Room = v.room(limit.Update)
	var err error
	if page.Range, page.Charts, err = a.overviewCharts(v, page.view, page.releases); err != nil {
		return err
	}
	page.frame = page.on(name, tabOverview)
	return v.page(page.Problems.status(), "app", page)
}

// settingsTab is how the app runs, how it is deployed, and its end.
func (a *admin) settingsTab(v *visit, page appPage) error {
	name, typed := page.view.Name, v.request().PostForm
	page.frame = page.on(name, tabSettings)
	page.Title = "Settings of " + string(name)
	page.Confirm = typed.Get("confirm")
	page.Settings = page.view.Settings.Form()
	if typed.Has(fieldMemory) {
		page.Settings = typedSettings(typed)
	}
	page.LeastSettings, page.MostSettings = a.settings.SettingsRange()
	page.Forbidden = a.settings.ForbiddenWaivers()
	var err error
	if page.Push, err = a.pushViewOf(v, name); err != nil {
		return err
	}
	page.Push.typed(typed, page.Problems)
	if page.Webhook, err = a.webhookViewOf(v, name, secret.Text(page.Webhook.Secret)); err != nil {
		return err
	}
	page.Webhook.typed(typed, page.Problems)
	fresh := page.TagWatch.Secret
	if page.TagWatch, err = a.tagWatchViewOf(v, name, page.Running); err != nil {
		return err
	}
	page.TagWatch.Secret = fresh
	page.TagWatch.typed(typed, page.Problems)
	page.Labels.typed(typed, page.Problems)
	page.Duplicate.typed(typed, page.Problems)
	page.Rename.typed(typed, page.Problems)
	if page.Hook, err = a.hookViewOf(v, name); err != nil {
		return err
	}
	return v.page(page.Problems.status(), "app_settings", page)
}

// appPage is what all tabs of an app have, and what the event stream sends of them.
func (a *admin) appPage(v *visit, name app.Name) (appPage, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return appPage{}, err
	}
	releases, err := a.releases.Releases(v.context(), name)
	if err != nil {
		return appPage{}, err
	}
	v.read = &view.App
	page := appPage{
		frame: v.frame(string(name)), App: v.appRow(view), Port: portText(view.Settings.Port, releases), CreatedAt: view.CreatedAt,
		Releases: make([]releaseRow, 0, len(releases)), MostBytes: archiveBody - formOverhead, view: view, releases: releases,
	}
	page.Variables, page.Unapplied = view.Variables, changesText(view.Unapplied)
	if page.Proof, err = a.proofOf(v, name, view.Live); err != nil {
		return appPage{}, err
	}
	page.Access, page.Closed, page.Down = accessText(view.Access), view.Access.Closed(), view.Access.Maintenance.On
	page.Waivers = waiversOf(view.App, releases)
	page.Egress = a.egressViewOf(view.App)
	page.Labels, page.Duplicate, page.Rename = labelsViewOf(view.App), duplicateViewOf(view.App), renameViewOf(view.App)
	if page.Move, err = a.moveViewOf(v, name); err != nil {
		return appPage{}, err
	}
	page.Services = serviceRows(view.Services)
	for _, warning := range a.volumes.Warnings() {
		if slices.Contains(warning.Apps, name) {
			page.Volumes = append(page.Volumes, volumeWarningOf(warning))
		}
	}
	for _, release := range releases {
		if release.State == app.ReleaseLive && release.Reference != "" {
			page.Running = &imageView{Reference: release.Reference, Pinned: release.Pinned()}
		}
		if release.State == app.ReleaseLive {
			page.Assets = a.assetsViewOf(view, release)
		}
		page.Releases = append(page.Releases, releaseRowOf(release))
	}
	return page, nil
}

// portText says where the app listens: on the port of its settings, else on the one
// that the image of its live release exposes.
func portText(set uint16, releases []app.Release) string {
	if set != 0 {
		return strconv.Itoa(int(set))
	}
	for _, release := range releases {
		if _, port, err := net.SplitHostPort(release.Address); release.State == app.ReleaseLive && err == nil {
			return port + " (from image)"
		}
	}
	return "from image"
}
