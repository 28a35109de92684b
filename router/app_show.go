package router

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/egress"
	"berth/controller/label"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/reach"
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

	Domains []domainRow // of its routes

	Proof *reach.Proof // that the proxy is the only way to it, nil until it was tried

	Egress egressView
	Push   pushView
	Labels labelsView

	Hook hookView // around backups

	Assets *assetsView // of the first page that visitors do not get, nil where they do

	Mounts      []mountRow // as typed, else the app's
	VolumeNames []volume.Name
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

func (a *admin) showApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	return a.appForm(v, name, nil)
}

// streamApp sends the parts of the app's page that change by themselves.
func (a *admin) streamApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if _, err := a.apps.App(v.context(), name); err != nil {
		return err
	}
	shown := make(map[string]string)
	return a.watch(v, watching{topic: name, pause: time.Second, every: 5 * time.Second}, func(stream *eventStream) (bool, error) {
		page, err := a.appPage(v, name)
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

// appForm shows the app's page, with the problems of a form on it.
func (a *admin) appForm(v *visit, name app.Name, problems fieldProblems) error {
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.Problems = problems
	page.Problem = problems[""]
	typed := v.request().PostForm
	page.Confirm = typed.Get("confirm")
	if v.upload != nil {
		page.Image, page.Dockerfile = v.upload.fields[fieldImage], v.upload.fields[fieldDockerfile]
	}
	page.Checked = v.upload != nil && v.upload.checks()
	page.Asked = a.choicesOf(v.upload, true)
	if typed.Has(fieldMemory) {
		page.Settings = typedSettings(typed)
	}
	page.VolumeNames = a.volumeNames(v)
	page.Egress.typed(typed, problems)
	page.Push.typed(typed, problems)
	page.Labels.typed(typed, problems)
	v.refund() // nothing was accepted
	page.Held = v.viewHeld(v.upload, page.App.Path+"/update")
	page.Room = v.room(limit.Update)
	return v.page(problems.status(), "app", page)
}

func (a *admin) appPage(v *visit, name app.Name) (appPage, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return appPage{}, err
	}
	releases, err := a.releases.Releases(v.context(), name)
	if err != nil {
		return appPage{}, err
	}
	page := appPage{
		frame: v.frame(string(name)), App: v.appRow(view), Port: portText(view.Settings.Port, releases), CreatedAt: view.CreatedAt,
		Releases: make([]releaseRow, 0, len(releases)), MostBytes: archiveBody - formOverhead,
	}
	page.Section = "apps"
	page.Variables, page.Unapplied = view.Variables, changesText(view.Unapplied)
	if page.Proof, err = a.proofOf(v, name, view.Live); err != nil {
		return appPage{}, err
	}
	page.Access, page.Closed, page.Down = accessText(view.Access), view.Access.Closed(), view.Access.Maintenance.On
	page.Waivers = waiversOf(view.App, releases)
	page.Settings = view.Settings.Form()
	page.Mounts = mountRows(view.Mounts)
	page.Egress = a.egressViewOf(view.App)
	page.Labels = labelsViewOf(view.App)
	if page.Push, err = a.pushViewOf(v, name); err != nil {
		return appPage{}, err
	}
	if page.Hook, err = a.hookViewOf(v, view.Name); err != nil {
		return appPage{}, err
	}
	page.Services = serviceRows(view.Services)
	page.LeastSettings, page.MostSettings = a.settings.SettingsRange()
	page.Forbidden = a.settings.ForbiddenWaivers()
	for _, warning := range a.volumes.Warnings() {
		if slices.Contains(warning.Apps, name) {
			page.Volumes = append(page.Volumes, volumeWarningOf(warning))
		}
	}
	if page.Domains, err = a.domainsOf(v, name); err != nil {
		return appPage{}, err
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

// appFields are the fields of the page's forms that a problem is said beside.
var appFields = slices.Concat(readinessFields, []string{hook.FieldService, hook.FieldBefore, hook.FieldAfter, egress.FieldMode, egress.FieldHosts, fieldBranch, fieldFolder, label.FieldProject, label.FieldTags, fieldArchive, "confirm", fieldPort, fieldMemory, fieldCPU, fieldProcesses, fieldImage, fieldDockerfile, fieldServices, fieldDatabase, fieldWritableRoot, app.FieldMain, app.FieldProfiles, app.FieldCompose, app.FieldRootStart, app.FieldBound})

// refuseOnApp shows the app's page with the reason why an action was refused.
// What has no field of its own on the page is said above all.
func (a *admin) refuseOnApp(v *visit, name app.Name, err error) error {
	fault := asProblem(err)
	switch fault.Kind {
	case problem.KindNotFound, problem.KindInternal, problem.KindUnauthorized:
		return err
	}
	a.logProblem(v, fault)
	several, ok := errors.AsType[problem.Problems](err)
	if !ok {
		several = problem.Problems{fault}
	}
	shown := make(fieldProblems, len(several))
	for _, problem := range several {
		field := problem.Field
		if !slices.Contains(appFields, field) {
			field = ""
		}
		shown[field] = problem
	}
	return a.appForm(v, name, shown)
}
