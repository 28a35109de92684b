package router

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/problem"
)

// The fields of the upload forms with which an archive is looked into first.
const (
	fieldCheck = "check" // show how it will be built, and build nothing
	fieldHeld  = "held"  // the id of an archive that was received before, instead of the file
	fieldAgain = "again" // look once more into the held archive, with what was chosen
	fieldOther = "other" // give the held archive up and choose another
)

// heldPath is where the Dockerfile that Berth wrote for a held archive is downloaded.
const heldPath = "/upload/held/:id/Dockerfile"

// checks reports whether the form asks to see how the app will be built. Whatever
// it says but no is a yes: a build is what cannot be taken back.
func (u *upload) checks() bool {
	return isTicked(u.fields[fieldCheck]) || isTicked(u.fields[fieldAgain])
}

// sendsHeld reports whether the form stands for an archive that was sent before.
func (u *upload) sendsHeld() bool {
	return u.fields[fieldHeld] != "" && (!u.checks() || isTicked(u.fields[fieldAgain]))
}

// settleCheck ends a form that is checked. The archive of a person is held for
// them; a program sends it again.
//
// One of a new app is held too where a person can lift what it was refused for on the form.
func (a *admin) settleCheck(v *visit, form *upload, app app.Name, preview app.Preview, wrong error) error {
	v.done.halfway = true // nothing was changed
	if err := form.problems.add(wrong); err != nil {
		return err
	}
	if wrong == nil {
		form.preview = &preview
	}
	if v.caller.bearer || form.archive == nil && !form.sendsHeld() || wrong != nil && (app != "" || !form.canLift()) {
		return nil
	}
	if form.archive != nil {
		held := a.uploads.Hold(v.caller.owner(), app, form.archive, preview)
		form.held = &held
		form.fields[fieldHeld] = held.ID
		return nil
	}
	a.findHeld(v, form)
	return nil
}

// canLift reports whether the fields of the form lift what an archive was refused for, or
// a part of it.
func (u *upload) canLift() bool {
	wrong := u.problems.first()
	if wrong == nil || wrong.Field == "" {
		return false
	}
	if wrong.Field != fieldArchive {
		return true
	}
	return slices.ContainsFunc(wrong.Faults, func(fault *problem.Refusal) bool { return fault.Offer != "" || fault.Variable() != "" })
}

// findHeld finds the archive for the form, if it is still there.
func (a *admin) findHeld(v *visit, form *upload) {
	key, err := v.heldKey(form)
	if err != nil {
		return
	}
	if held, err := a.uploads.Held(key); err == nil {
		form.held = &held
	}
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
	a.findHeld(v, form)
	if form.held != nil && form.held.App != "" && form.problems[fieldArchive] != nil {
		form.held = nil // the app's page offers what lifts it beside the file
	}
	if form.held == nil {
		delete(form.fields, fieldHeld)
	}
}

// heldView is an archive that waits, as the pages show it.
type heldView struct {
	controller.Held
	Action    string // where the form goes
	FormToken string
	Fields    []hiddenField // what was typed
	Room      string        // what is left of the limit, where it is little
	Bound     []boundField
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
	view := &heldView{Held: *form.held, Action: action, FormToken: v.formToken(), Room: v.room(class), Fields: form.kept(), Bound: form.boundFields()}
	if len(view.Bound) > 0 {
		view.Fields = slices.DeleteFunc(view.Fields, func(field hiddenField) bool { return field.Name == app.FieldBound })
	}
	return view
}

// kept are the fields that go on to the next page unseen.
func (u *upload) kept() (kept []hiddenField) {
	for _, name := range slices.Sorted(maps.Keys(u.fields)) {
		switch {
		case isStepField(name), isVariableField(name):
		case slices.Contains(sourceFields, name) && name != fieldImage:
		default:
			kept = append(kept, hiddenField{name, u.fields[name]})
		}
	}
	return kept
}

// isStepField reports whether the field leads from one page to the next, and is not kept.
func isStepField(name string) bool {
	return slices.Contains([]string{formField, fieldOnce, fieldCheck, fieldHeld, fieldAgain, fieldOther}, name)
}

// Picture is the drawing of the services; nil where there is none.
func (h heldView) Picture() *picture { return drawServices(h.Plan()) }

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
	Kind   string           // how it is made; empty where that is not known
	Routes []plan.RouteWish // of its own, beside the app's route
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
		services = append(services, plannedService{service, kind, routesFor(service.Name, h.Preview.Routes)})
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

// previewJSON is how an archive will be built.
type previewJSON struct {
	Kind       string      `json:"kind"`
	Dockerfile string      `json:"dockerfile"` // that Berth wrote; empty where the archive brings its own
	Reasons    []string    `json:"reasons"`
	Services   []string    `json:"services"`
	Plan       planJSON    `json:"plan"`
	Variables  []askedJSON `json:"variables,omitempty"`
}

// previewJSON answers a program with how its archive will be built.
func (v *visit) previewJSON(preview app.Preview) error {
	return v.json(http.StatusOK, previewJSON{preview.Kind, preview.Dockerfile, append([]string{}, preview.Reasons...), append([]string{}, preview.Services...), planJSONOf(preview), askedJSONOf(preview)})
}

// askedJSON is a variable that a template asks for and that the app lacks. One that is not
// given gets this value, or a secret one that Berth makes.
type askedJSON struct {
	Name   string `json:"name"`
	Secret bool   `json:"secret"`
	Value  string `json:"value,omitempty"` // of one that is no secret
}

func askedJSONOf(preview app.Preview) []askedJSON {
	var asked []askedJSON
	for _, variable := range preview.Asked {
		asked = append(asked, askedJSON{variable.Name, variable.Secret, variable.Value.Reveal()})
	}
	return asked
}

// planJSON is what an archive comes to.
type planJSON struct {
	Main     string               `json:"main"` // the route leads to it
	Port     uint16               `json:"port"` // of the main service; 0 lets the image decide
	Services []plannedServiceJSON `json:"services"`
	Routes   []routeWishJSON      `json:"routes,omitempty"` // of single services
	Bound    []boundJSON          `json:"bound,omitempty"`  // what services mount of the archive
	Notes    []string             `json:"notes"`            // what is left out or changed
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
	made := planJSON{Main: main.Name, Port: main.Port, Services: []plannedServiceJSON{}, Routes: routeWishesJSON(preview.Routes), Bound: boundJSONOf(preview.Bound), Notes: append([]string{}, preview.Notes...)}
	for _, service := range preview.Plan {
		made.Services = append(made.Services, plannedServiceJSON{
			Name: service.Name, Image: service.Image, Build: service.Build, Copies: service.Copies,
			Volumes: append([]string{}, service.Volumes...), Loosens: append([]string{}, service.Loosens...),
			RootStart: service.RootStart, Unmounted: append([]string{}, service.Unmounted...),
		})
	}
	return made
}
