package router

import (
	"net/http"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/egress"
	"berth/controller/problem"
)

// settingsJSON is the settings of an app or a release as the API shows and takes
// them. What a request leaves out stays as it is.
type settingsJSON struct {
	Port         int64 `json:"port"` // 0 lets the image decide
	MemoryMB     int64 `json:"memory_mb"`
	CPUPercent   int64 `json:"cpu_percent"` // of one core
	Processes    int64 `json:"processes"`
	WritableRoot bool  `json:"writable_root"`
	Database     bool  `json:"database"`
	// DatabaseServices are those of a compose app that database holds for; none
	// means those whose image is a known database.
	DatabaseServices []string `json:"database_services"`
	Fallback         bool     `json:"fallback"` // from the next upload on
	// What a compose file leaves open, from the next upload on.
	Main        string   `json:"main"`         // empty means the most likely service
	Profiles    []string `json:"profiles"`     // whose services run too
	Compose     []string `json:"compose"`      // the compose files, the later ones change the first; none means that Berth looks for one
	HostFolders bool     `json:"host_folders"` // volumes of the app in place of data folders of the host
	Dotenv      bool     `json:"dotenv"`       // the values of the archive's .env
	// Bound says what files and folders of the archive become that services mount, such as
	// web:/etc/app.conf=volume or =image.
	Bound []string `json:"bound"`
	// ImageVolumes makes volumes of the app of those that images declare.
	ImageVolumes bool     `json:"image_volumes"`
	RootStart    []string `json:"root_start"` // the services that start as root and drop root later

	readinessJSON
	egressJSON
}

// egressJSON says where the app may connect to.
type egressJSON struct {
	Mode  string   `json:"egress"`       // open, list or none
	Hosts []string `json:"egress_hosts"` // of list, such as api.example.com:443 and *.example.com:443
}

func egressJSONOf(e egress.Egress) egressJSON {
	return egressJSON{e.Mode.String(), append([]string{}, e.Hosts.List()...)}
}

// readinessJSON says when the next release counts as ready, and what the proxy speaks with
// the app.
type readinessJSON struct {
	Ready       string `json:"ready"`        // http, tcp or health
	ReadyPath   string `json:"ready_path"`   // of http; empty means the usual ones
	ReadyStatus int    `json:"ready_status"` // of http; 0 means any below 500
	StartTime   string `json:"start_time"`   // such as 3m; empty leaves it to the health check
	Scheme      string `json:"scheme"`       // http or h2c
}

func readinessJSONOf(readiness app.Readiness) readinessJSON {
	form := readiness.Form()
	return readinessJSON{Ready: form.By, ReadyPath: form.Path, ReadyStatus: readiness.Status, StartTime: form.StartTime, Scheme: form.Scheme}
}

func (r readinessJSON) form() app.ReadinessForm {
	return app.ReadinessForm{By: r.Ready, Path: r.ReadyPath, Status: strconv.Itoa(r.ReadyStatus), StartTime: r.StartTime, Scheme: r.Scheme}
}

func settingsJSONOf(settings app.Settings) settingsJSON {
	return settingsJSON{
		Port: int64(settings.Port), MemoryMB: settings.MemoryBytes >> 20, CPUPercent: settings.NanoCPUs / app.NanosPerPercent,
		Processes: settings.Processes, WritableRoot: settings.WritableRoot,
		Database: settings.Database, DatabaseServices: append([]string{}, settings.DatabaseServices.List()...), Fallback: settings.Fallback,
		Main: string(settings.Choices.Main), Profiles: append([]string{}, settings.Choices.Profiles.List()...), HostFolders: settings.Choices.Volumes, Dotenv: settings.Choices.Dotenv,
		Compose:      append([]string{}, settings.Choices.Compose.List()...),
		Bound:        append([]string{}, settings.Choices.Bound.List()...),
		ImageVolumes: settings.Choices.ImageVolumes, RootStart: append([]string{}, settings.Choices.RootStart.List()...), readinessJSON: readinessJSONOf(settings.Readiness),
		egressJSON: egressJSONOf(settings.Egress),
	}
}

// form gives the settings to the parser that all settings go through.
func (s settingsJSON) form() app.SettingsForm {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	form := app.SettingsForm{
		Memory: number(s.MemoryMB), CPU: number(s.CPUPercent), Processes: number(s.Processes), WritableRoot: s.WritableRoot,
		Database: s.Database, DatabaseServices: strings.Join(s.DatabaseServices, ","), Fallback: s.Fallback,
		Choices:   app.ChoicesForm{Main: s.Main, Profiles: strings.Join(s.Profiles, ","), Compose: strings.Join(s.Compose, ","), Bound: strings.Join(s.Bound, ","), Volumes: s.HostFolders, Dotenv: s.Dotenv, ImageVolumes: s.ImageVolumes, RootStart: strings.Join(s.RootStart, ",")},
		Readiness: s.readinessJSON.form(),
		Egress:    egress.Form{Mode: s.Mode, Hosts: strings.Join(s.Hosts, "\n")},
	}
	if s.Port != 0 {
		form.Port = number(s.Port)
	}
	return form
}

func (a *admin) apiShowSettings(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, settingsJSONOf(view.Settings))
}

// apiUpdateSettings answers 201 with the release that runs with the settings, or
// 200 with the app where there is nothing to run.
func (a *admin) apiUpdateSettings(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	wish := settingsJSONOf(view.Settings)
	if err := decodeJSON(v.request(), &wish, `{"memory_mb": 512}`); err != nil {
		return err
	}
	settings, err := a.settings.ParseSettings(wish.form())
	if err != nil {
		return err
	}
	if err := v.mayWaive(view.App, settings); err != nil {
		return err
	}
	release, err := a.settings.UpdateSettings(v.context(), view.Name, settings, v.caller.name())
	if err != nil {
		return err
	}
	if release.Number == 0 {
		return a.apiShowApp(v)
	}
	return v.createdRelease(release)
}

// mayWaive lets a token loosen the hardening policy of an app only where its
// scope is admin. What the app has already, any release keeps.
func (v *visit) mayWaive(found app.App, wanted app.Settings) error {
	has := found.Settings
	if !wanted.Loosens(has) || v.caller.token.Scope.Allows(adminScope) {
		return nil
	}
	field, what := fieldDatabase, "What databases need"
	switch {
	case wanted.WritableRoot && !has.WritableRoot:
		field, what = fieldWritableRoot, "A writable root"
	case wanted.GivesRootStart(has):
		field, what = app.FieldRootStart, "A start as root"
	case wanted.Egress.Loosens(has.Egress):
		return problem.Forbidden(
			"A token of this scope cannot let an app connect to more hosts than before.",
			"Use a token of the scope admin, or change it on the app's page.",
		).At(egress.FieldMode)
	}
	return problem.Forbidden(
		what+" is a security exception, which a token of this scope cannot give.",
		"Use a token of the scope admin, or set it on the app's page.",
	).At(field)
}
