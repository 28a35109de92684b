package router

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
)

// The fields of the upload forms with which an archive is looked into first.
const (
	fieldCheck = "check" // show how it will be built, and build nothing
	fieldHeld  = "held"  // the id of an archive that was received before, instead of the file
	fieldOther = "other" // give the held archive up and choose another
)

// heldPath is where the Dockerfile that Berth wrote for a held archive is downloaded.
const heldPath = "/upload/held/:id/Dockerfile"

// checks reports whether the form asks to see how the app will be built. Whatever
// it says but no is a yes: a build is what cannot be taken back.
func (u *upload) checks() bool {
	said := u.fields[fieldCheck]
	return said != "" && said != "false"
}

// sendsHeld reports whether the form stands for an archive that was sent before.
func (u *upload) sendsHeld() bool { return !u.checks() && u.fields[fieldHeld] != "" }

// settleCheck ends a form that is checked. The archive of a person is held for
// them; a program sends it again.
func (a *admin) settleCheck(v *visit, form *upload, app app.Name, preview app.Preview, err error) error {
	v.done.halfway = true // nothing was changed
	if err != nil {
		return form.problems.add(err)
	}
	form.preview = &preview
	if !v.caller.bearer {
		held := a.uploads.Hold(v.caller.owner(), app, form.archive, preview)
		form.held = &held
	}
	return nil
}

// heldKey is what the form names. An id that cannot be one is as good as gone.
func (v *visit) heldKey(form *upload) (controller.HeldKey, error) {
	id, err := controller.ParseHeldID(form.fields[fieldHeld])
	return controller.HeldKey{Owner: v.caller.owner(), ID: id}, err
}

// givesUp ends a form whose archive the person wants to choose anew.
func (a *admin) givesUp(v *visit, form *upload) bool {
	if form.fields[fieldOther] == "" || v.caller.bearer {
		return false
	}
	v.done.halfway = true // nothing was changed
	if key, err := v.heldKey(form); err == nil {
		a.uploads.Drop(key)
	}
	delete(form.fields, fieldHeld)
	clear(form.problems) // they are said when the form is sent
	return true
}

// settleHeld finds the archive for the form after a refusal.
func (a *admin) settleHeld(v *visit, form *upload) {
	if !form.sendsHeld() || form.archive != nil {
		return
	}
	if len(form.problems) == 0 {
		return
	}
	if key, err := v.heldKey(form); err == nil && form.problems[fieldArchive] == nil {
		if held, err := a.uploads.Held(key); err == nil {
			form.held = &held
			return
		}
	}
	delete(form.fields, fieldHeld)
}

// heldView is an archive that waits, as the pages show it.
type heldView struct {
	controller.Held
	Action    string // where the form goes
	FormToken string
	Fields    []hiddenField // what was typed
	Room      string        // what is left of the limit, where it is little
}

type hiddenField struct{ Name, Value string }

// viewHeld returns nil where nothing is held.
func (v *visit) viewHeld(form *upload, action string) *heldView {
	if form == nil || form.held == nil {
		return nil
	}
	class := limit.Update
	if form.held.App == "" {
		class = limit.Upload
	}
	view := &heldView{Held: *form.held, Action: action, FormToken: v.formToken(), Room: v.room(class)}
	for _, name := range slices.Sorted(maps.Keys(form.fields)) {
		switch {
		case name == formField, name == fieldOnce, name == fieldCheck, name == fieldHeld, name == fieldOther, isVariableField(name):
		default:
			view.Fields = append(view.Fields, hiddenField{name, form.fields[name]})
		}
	}
	return view
}

// RootStarts are the services that a person may let start as root.
func (h heldView) RootStarts() []app.ServicePreview {
	return slices.DeleteFunc(slices.Clone(h.Preview.Plan), func(service app.ServicePreview) bool { return service.RootStart == "" })
}

// Undeclared are the places that images declare as volumes and where nothing is mounted.
func (h heldView) Undeclared() []string {
	var paths []string
	for _, service := range h.Preview.Plan {
		paths = append(paths, service.Unmounted...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Offers reports whether there is something to choose.
func (h heldView) Offers() bool { return len(h.RootStarts())+len(h.Undeclared()) > 0 }

// Several reports whether there are several services.
func (h heldView) Several() bool { return len(h.Preview.Services) > 1 }

// plannedService is one service of the preview.
type plannedService struct {
	app.ServicePreview
	Kind string // how it is made; empty where that is not known
}

// Plan are the services in the order in which they start.
func (h heldView) Plan() []plannedService {
	var services []plannedService
	for _, service := range h.Preview.Plan {
		kind := "Built with the Dockerfile that Berth writes"
		switch {
		case service.Image != "":
			kind = "Image"
		case service.Build != "":
			kind = "Built with"
		}
		services = append(services, plannedService{service, kind})
	}
	if len(services) > 0 {
		return services
	}
	for _, name := range h.Preview.Services {
		services = append(services, plannedService{ServicePreview: app.ServicePreview{Name: name}})
	}
	return services
}

// Reasons are those of the preview without its notes, which stand in a list of their own.
func (h heldView) Reasons() []string {
	return slices.DeleteFunc(slices.Clone(h.Preview.Reasons), func(reason string) bool { return slices.Contains(h.Preview.Notes, reason) })
}

// DockerfilePath is heldPath of this archive.
func (h heldView) DockerfilePath() string { return strings.Replace(heldPath, ":id", h.ID, 1) }

// downloadHeldDockerfile gives the Dockerfile that Berth wrote for a held archive.
func (a *admin) downloadHeldDockerfile(v *visit) error {
	id, err := controller.ParseHeldID(v.gin.Param("id"))
	if err != nil {
		return malformed("This archive can't be previewed.", "Follow the link on the page that shows how it will be built.", err)
	}
	held, err := a.uploads.Held(controller.HeldKey{Owner: v.caller.owner(), ID: id})
	if err != nil {
		return err
	}
	if held.Preview.Dockerfile == "" {
		return notFound("Berth wrote no Dockerfile for this archive.", nil)
	}
	v.attach("Dockerfile")
	_, err = v.gin.Writer.WriteString(held.Preview.Dockerfile)
	return err
}

// previewJSON answers a program with how its archive will be built.
func (v *visit) previewJSON(preview app.Preview) error {
	return v.json(http.StatusOK, struct {
		Kind       string   `json:"kind"`
		Dockerfile string   `json:"dockerfile"` // that Berth wrote; empty where the archive brings its own
		Reasons    []string `json:"reasons"`
		Services   []string `json:"services"`
		Plan       planJSON `json:"plan"`
	}{preview.Kind, preview.Dockerfile, append([]string{}, preview.Reasons...), append([]string{}, preview.Services...), planJSONOf(preview)})
}

// planJSON is what an archive comes to.
type planJSON struct {
	Main     string               `json:"main"` // the route leads to it
	Port     uint16               `json:"port"` // of the main service; 0 lets the image decide
	Services []plannedServiceJSON `json:"services"`
	Notes    []string             `json:"notes"` // what is left out or changed
}

type plannedServiceJSON struct {
	Name    string   `json:"name"`
	Image   string   `json:"image,omitempty"`
	Build   string   `json:"build,omitempty"` // path of its Dockerfile
	Copies  int      `json:"copies"`
	Volumes []string `json:"volumes"`
	Loosens []string `json:"loosens"` // its security exceptions
	// RootStart says why it needs the security exception root start; empty where it
	// does not, or has it.
	RootStart string   `json:"root_start,omitempty"`
	Unmounted []string `json:"unmounted,omitempty"` // paths that its image declares as volumes, and that are none
}

func planJSONOf(preview app.Preview) planJSON {
	main := preview.Main()
	made := planJSON{Main: main.Name, Port: main.Port, Services: []plannedServiceJSON{}, Notes: append([]string{}, preview.Notes...)}
	for _, service := range preview.Plan {
		made.Services = append(made.Services, plannedServiceJSON{
			Name: service.Name, Image: service.Image, Build: service.Build, Copies: service.Copies,
			Volumes: append([]string{}, service.Volumes...), Loosens: append([]string{}, service.Loosens...),
			RootStart: service.RootStart, Unmounted: append([]string{}, service.Unmounted...),
		})
	}
	return made
}
