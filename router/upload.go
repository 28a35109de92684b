package router

import (
	"context"
	"io"
	"slices"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/uploads"
	"berth/controller/volume"
	"berth/examples"
	"berth/traefik"
)

// Uploads receives archives, examines them, and makes releases of them.
type Uploads interface {
	Receive(io.Reader) (*uploads.Archive, error)
	Accept(context.Context, controller.Upload) (app.Release, error)
	Examine(context.Context, controller.Upload) (app.Preview, error)
	Hold(owner string, app app.Name, archive *uploads.Archive, preview app.Preview) controller.Held
	Held(controller.HeldKey) (controller.Held, error)
	Drop(controller.HeldKey)
}

type uploadPage struct {
	frame
	Name, Route, Port string // as they were typed
	Mount             mountRow
	VolumeNames       []volume.Name
	PlainVariables    bool
	MostBytes         int64
	Problems          fieldProblems
	Image             string // as it was typed
	Dockerfile        string // as it was typed
	Fallback          bool
	Asked             choicesView // what the archive leaves open
	Database          bool        // the waiver
	DatabaseForbidden bool        // by the operator
	Room              string      // what is left of the limit, where it is little
	Held              *heldView   // what was looked into, nil where there is nothing
	Whole             bool        // the fields stand there, although nothing was looked into
	Kept              []hiddenField
	ServiceRoutes     *serviceRoutesView // nil where there are no services to choose from
}

// Examples are what the page offers to try.
func (uploadPage) Examples() []examples.Example { return examples.All() }

// ImageHeld reports whether the page deploys an image that is run as it is.
func (p uploadPage) ImageHeld() bool { return p.Held != nil && p.Held.ID == "" }

// pasteField is a field that takes a whole file as text.
type pasteField struct {
	Name, Label, Placeholder string
	Problem                  *problem.Problem
}

// PasteField is the page's field of that name.
func (p uploadPage) PasteField(name string) pasteField {
	field := pasteField{Name: name, Label: "Paste a compose file", Placeholder: "services:\n  web:\n    image: ...", Problem: p.Problems[name]}
	if name == fieldDockerfileText {
		field.Label, field.Placeholder = "Paste a Dockerfile", "FROM ..."
	}
	return field
}

// Wrong reports whether something is wrong with a field that stands under Advanced.
func (p uploadPage) Wrong() bool {
	for _, field := range advancedFields {
		if p.Problems[field] != nil {
			return true
		}
	}
	return false
}

// advancedFields are those that most apps need no word in.
var advancedFields = []string{
	fieldPort, fieldVolume, fieldTarget, fieldDockerfile, fieldVariables, fieldDatabase, fieldServices,
	app.FieldMain, app.FieldProfiles, app.FieldCompose, fieldWritableRoot,
}

// ImageField is the page's field for an image.
func (p uploadPage) ImageField() imageField {
	return imageField{Image: p.Image, Problem: p.Problems[fieldImage]}
}

// DockerfileField is the page's field for the path of a Dockerfile.
func (p uploadPage) DockerfileField() dockerfileField {
	return dockerfileField{Path: p.Dockerfile, Problem: p.Problems[fieldDockerfile]}
}

// ArchiveField is the page's file field.
func (p uploadPage) ArchiveField() archiveField {
	return archiveField{MostBytes: p.MostBytes, Problem: p.Problems[fieldArchive]}
}

func (a *admin) showUpload(v *visit) error {
	return a.uploadForm(v, &upload{})
}

// createApp takes the upload form: 303 to the page of the first release, or the
// form again with what was wrong beside each field, or with how it will be built.
func (a *admin) createApp(v *visit) error {
	release, form, err := a.acceptUpload(v)
	if err != nil {
		return err
	}
	if problem := form.problems.first(); problem != nil {
		if v.caller.bearer {
			return problem
		}
		return a.uploadForm(v, form)
	}
	if form.preview != nil && v.caller.bearer {
		return v.previewJSON(*form.preview)
	}
	if release.Number == 0 { // checked, or given up
		return a.uploadForm(v, form)
	}
	return v.seeResult(releasePath(release.ReleaseID))
}

// acceptUpload reads a new app and hands it to the controller. What the person
// can mend is in the form's problems. There is no release where the form asks to
// see first how it will be built.
func (a *admin) acceptUpload(v *visit) (app.Release, *upload, error) {
	wish := controller.Upload{By: v.caller.name()}
	form, err := a.readUpload(v, func(form *upload) error {
		if form.checks() {
			return a.parseCheck(form, &wish)
		}
		if err := a.parseUpload(form, &wish); err != nil || form.fields[fieldArrival] == "" {
			return err
		}
		return form.problems.add(a.parseMoved(v, form.fields[fieldArrival], &wish))
	})
	defer form.archive.Discard()
	if err == nil && a.givesUp(v, form) {
		return app.Release{}, form, nil
	}
	if err == nil {
		err = v.mayWish(app.App{}, wish)
	}
	if err != nil || len(form.problems) > 0 {
		v.done.halfway = form.checks() && err == nil
		a.settleHeld(v, form)
		return app.Release{}, form, err
	}
	v.done.resource = "app " + string(wish.Name)
	release, err := a.deploy(v, form, wish)
	return release, form, err
}

// deploy hands the upload to the controller: to look into it where the form asks for that
// first, else to release it. What a person can mend is in the form's problems.
func (a *admin) deploy(v *visit, form *upload, wish controller.Upload) (app.Release, error) {
	wish.Archive, wish.Image, wish.Dockerfile = form.archive, form.image, form.dockerfile
	if form.image != "" {
		v.done.detail = string(form.image)
	}
	if form.checks() && form.image != "" && wish.Next {
		v.done.halfway = true
		return app.Release{}, form.problems.add(nothingToSee())
	}
	if form.checks() {
		if err := a.wishHeld(v, form, &wish); err != nil {
			return app.Release{}, err
		}
		preview, err := a.uploads.Examine(v.context(), wish)
		held := wish.Name
		if !wish.Next {
			held = ""
		}
		return app.Release{}, a.settleCheck(v, form, held, preview, err)
	}
	release, err := a.accept(v, form, wish)
	err = form.problems.add(err)
	a.settleHeld(v, form)
	return release, err
}

func (a *admin) accept(v *visit, form *upload, wish controller.Upload) (app.Release, error) {
	if err := a.wishHeld(v, form, &wish); err != nil {
		return app.Release{}, err
	}
	return a.acceptOnce(v, form, wish)
}

// wishHeld names what is held, where nothing else is to be deployed.
func (a *admin) wishHeld(v *visit, form *upload, wish *controller.Upload) (err error) {
	if wish.Archive == nil && wish.Image == "" {
		wish.Held, err = v.heldKey(form)
	}
	return err
}

// parseCheck is parseUpload for somebody who wants to know first how the archive will
// be built: name and route are checked where they are given.
func (a *admin) parseCheck(form *upload, into *controller.Upload) error {
	named := &upload{fields: map[string]string{fieldName: "app", fieldRoute: "/app"}, problems: form.problems}
	for name, value := range form.fields {
		if value != "" || name != fieldName && name != fieldRoute {
			named.fields[name] = value
		}
	}
	if err := a.parseUpload(named, into); err != nil {
		return err
	}
	if form.fields[fieldName] == "" {
		into.Name = ""
	}
	if form.fields[fieldRoute] == "" {
		into.Route = traefik.Route{}
	}
	return nil
}

func (a *admin) parseUpload(form *upload, into *controller.Upload) error {
	var err error
	into.Name, err = app.ParseName(form.fields[fieldName])
	if err := form.problems.add(err); err != nil {
		return err
	}
	into.Route, err = a.routing.ParseRoute(form.fields[fieldRoute])
	if err := form.problems.add(err); err != nil {
		return err
	}
	if into.Routes, err = form.serviceRoutes(); err != nil {
		if err := form.problems.add(err); err != nil {
			return err
		}
	}
	if err := form.parseChoices(app.Settings{}, into); err != nil {
		return err
	}
	if err := a.parseOwnLimits(form, into); err != nil {
		return err
	}
	if form.has(fieldMounts) {
		into.Mounts, err = parseMountList(form.fields[fieldMounts])
		return form.problems.add(err)
	}
	if form.fields[fieldVolume] == "" && form.fields[fieldTarget] == "" {
		return nil
	}
	mount, err := app.ParseMount(form.fields[fieldVolume], form.fields[fieldTarget], form.fields[fieldReadOnly] != "")
	into.Mounts = []app.Mount{mount}
	return form.problems.add(err)
}

// isTicked is about a box of the form; programs write false, too.
func isTicked(value string) bool { return value != "" && value != "false" }

// uploadForm shows the page where the form stands: what there is to deploy, or what it
// needs.
func (a *admin) uploadForm(v *visit, form *upload) error {
	v.refund() // nothing was accepted
	form.placeProblems()
	held := v.viewHeld(form, "/upload")
	if held == nil {
		held = v.viewImage(form)
	}
	if held != nil {
		if err := a.suggest(v, form, *held); err != nil {
			return err
		}
	}
	page := uploadPage{
		frame: v.frame("Deploy"),
		Name:  form.fields[fieldName], Route: form.fields[fieldRoute], Port: form.fields[fieldPort],
		PlainVariables: form.fields[fieldPlainVariables] != "",
		MostBytes:      archiveBody - formOverhead, Problems: form.problems, Held: held, Whole: held == nil && form.isWhole(), Kept: form.kept(),
	}
	page.Mount = mountRow{
		Volume: form.fields[fieldVolume], Target: form.fields[fieldTarget], ReadOnly: form.fields[fieldReadOnly] != "",
	}
	page.Image, page.Fallback = form.fields[fieldImage], form.fields[fieldFallback] != ""
	page.Dockerfile = form.fields[fieldDockerfile]
	page.Database = isTicked(form.fields[fieldDatabase])
	page.Asked, page.ServiceRoutes = a.choicesOf(form, false), form.serviceRoutesView()
	page.DatabaseForbidden = slices.Contains(a.settings.ForbiddenWaivers(), app.WaiverDatabase)
	page.VolumeNames = a.volumeNames(v)
	page.Section, page.Room = "upload", v.room(limit.Upload)
	page.Problem = form.problems[""]
	return v.page(form.problems.status(), "upload", page)
}

// isWhole reports whether a form with neither a held archive nor an image shows its fields
// nevertheless: something is wrong with one, or it was sent by itself.
func (u *upload) isWhole() bool {
	if u.fields[fieldOther] != "" {
		return false
	}
	for field := range u.problems {
		if field != "" && !slices.Contains(sourceFields, field) {
			return true
		}
	}
	return !u.checks() && (u.fields[fieldName] != "" || u.fields[fieldRoute] != "")
}

// viewImage is viewHeld for an image that is run as it is; nil where the form names none,
// or one that cannot be.
func (v *visit) viewImage(form *upload) *heldView {
	if form.image == "" || form.problems[fieldImage] != nil || form.fields[fieldOther] != "" {
		return nil
	}
	preview := app.Preview{Kind: "Image"}
	if form.preview != nil {
		preview = *form.preview
	}
	return &heldView{Held: controller.Held{Name: string(form.image), Preview: preview}, Action: "/upload", FormToken: v.formToken(), Room: v.room(limit.Upload)}
}
