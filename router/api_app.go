package router

import (
	"context"
	"net/http"
	"slices"
	"time"

	"berth/controller"
	"berth/controller/app"
)

// appJSON is an app as the API shows it.
type appJSON struct {
	Name      app.Name      `json:"name"`
	State     app.State     `json:"state"`
	Detail    string        `json:"detail,omitempty"`
	Project   string        `json:"project,omitempty"`
	Tags      []string      `json:"tags"`
	Release   int64         `json:"release"`  // the live one; 0 before the first
	Settings  settingsJSON  `json:"settings"` // for the next upload; a release has its own
	Mounts    []mountJSON   `json:"mounts"`   // as settings
	Routes    []string      `json:"routes"`
	URLs      []string      `json:"urls"`      // where the app answers
	UnderWay  *int64        `json:"under_way"` // number of the release on its way, or null
	CreatedAt time.Time     `json:"created_at"`
	Usage     *usageJSON    `json:"usage,omitempty"`
	Services  []serviceJSON `json:"services,omitempty"` // of the live release, where there are several
	Network   *proofJSON    `json:"network,omitempty"`  // of the live release, once it was tried; of one app alone
}

// serviceJSON is one service of an app of several.
type serviceJSON struct {
	Name        string    `json:"name"`
	Main        bool      `json:"main"`            // the route leads to it
	Image       string    `json:"image,omitempty"` // that was pulled; else it was built
	Copies      int       `json:"copies"`
	KeptFrom    int64     `json:"kept_from,omitempty"` // number of the earlier release that started it
	State       app.State `json:"state"`
	Detail      string    `json:"detail,omitempty"`
	MemoryBytes int64     `json:"memory_bytes"`
}

func servicesJSON(views []controller.ServiceView) []serviceJSON {
	made := make([]serviceJSON, 0, len(views))
	for _, view := range views {
		made = append(made, serviceJSON{
			Name: view.Name, Main: view.Main, Image: view.Image, Copies: view.Copies, KeptFrom: view.KeptFrom,
			State: view.Observed.State, Detail: view.Observed.Detail, MemoryBytes: view.Memory,
		})
	}
	return made
}

type usageJSON struct {
	MemoryBytes int64     `json:"memory_bytes"`
	MemoryLimit int64     `json:"memory_limit"`
	CPUPercent  float64   `json:"cpu_percent"`
	At          time.Time `json:"at"`
}

func (v *visit) appJSON(view controller.AppView) appJSON {
	made := appJSON{
		Name: view.Name, State: view.Observed.State, Detail: view.Observed.Detail, Project: view.Labels.Project, Tags: append([]string{}, view.Labels.Tags...),
		Release: view.Live, Settings: settingsJSONOf(view.Settings), Mounts: mountsJSON(view.Mounts), Routes: []string{}, URLs: []string{}, CreatedAt: view.CreatedAt,
	}
	for _, route := range slices.Concat(view.Routes, view.Derived) {
		made.Routes = append(made.Routes, route.String())
	}
	for _, link := range v.admin.public.links(v.request(), answering(view)) {
		made.URLs = append(made.URLs, link.URL)
	}
	if view.UnderWay != nil {
		made.UnderWay = &view.UnderWay.Number
	}
	made.Services = servicesJSON(view.Services)
	if view.HasUsage {
		made.Usage = &usageJSON{
			MemoryBytes: view.Usage.MemoryBytes, MemoryLimit: view.Usage.MemoryLimit,
			CPUPercent: view.Usage.CPUPercent, At: view.Usage.At,
		}
	}
	return made
}

// appsJSON is the list of apps as the API shows it.
type appsJSON struct {
	Apps []appJSON `json:"apps"`
}

func (a *admin) apiListApps(v *visit) error {
	a.apps.Looked()
	views, err := a.apps.Apps(v.context())
	if err != nil {
		return err
	}
	apps := make([]appJSON, 0, len(views))
	for _, view := range views {
		apps = append(apps, v.appJSON(view))
	}
	return v.json(http.StatusOK, appsJSON{apps})
}

func (a *admin) apiShowApp(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	made := v.appJSON(view)
	proof, err := a.proofOf(v, view.Name, view.Live)
	if err != nil {
		return err
	}
	if proof != nil {
		made.Network = proofJSONOf(*proof)
	}
	return v.json(http.StatusOK, made)
}

func (a *admin) apiCreateApp(v *visit) error {
	release, form, err := a.acceptUpload(v)
	if err != nil {
		return err
	}
	if problem := form.problems.first(); problem != nil {
		return problem
	}
	if form.preview != nil {
		return v.previewJSON(*form.preview)
	}
	return v.createdRelease(release)
}

func (a *admin) apiUpdateApp(v *visit) error {
	release, form, err := a.acceptUpdate(v)
	if err != nil {
		return err
	}
	if problem := form.problems.first(); problem != nil {
		return problem
	}
	if form.preview != nil {
		return v.previewJSON(*form.preview)
	}
	return v.createdRelease(release)
}

func (a *admin) apiStartApp(v *visit) error   { return a.apiAct(v, a.apps.Start) }
func (a *admin) apiStopApp(v *visit) error    { return a.apiAct(v, a.apps.Stop) }
func (a *admin) apiRestartApp(v *visit) error { return a.apiAct(v, a.apps.Restart) }

func (a *admin) apiAct(v *visit, do func(context.Context, app.Name) error) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if err := do(v.context(), name); err != nil {
		return err
	}
	return a.apiShowApp(v)
}
