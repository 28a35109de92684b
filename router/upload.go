package router

import (
	"berth/controller"
	"berth/controller/volume"
)

type uploadPage struct {
	frame
	Name, Route, Port string // as they were typed
	Mount             mountRow
	VolumeNames       []volume.Name
	MostBytes         int64
	Problems          fieldProblems
}

// ArchiveField is the page's file field.
func (p uploadPage) ArchiveField() archiveField {
	return archiveField{MostBytes: p.MostBytes, Problem: p.Problems[fieldArchive]}
}

func (a *admin) showUpload(v *visit) error {
	return a.uploadForm(v, &upload{})
}

// createApp takes the upload form: 303 to the page of the first release, or the
// form again with what was wrong beside each field.
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
	return v.seeOther(releasePath(release.ReleaseID))
}

// acceptUpload reads a new app and hands it to the controller. What the person
// can mend is in the form's problems.
func (a *admin) acceptUpload(v *visit) (controller.Release, *upload, error) {
	wish := controller.Upload{By: v.caller.name()}
	form, err := a.readUpload(v, func(form *upload) error { return a.parseUpload(form, &wish) })
	if err != nil || len(form.problems) > 0 {
		return controller.Release{}, form, err
	}
	defer form.archive.Discard()
	wish.Archive = form.archive
	v.done.resource = "app " + string(wish.Name)
	release, err := a.apps.Accept(v.context(), wish)
	return release, form, form.problems.add(err)
}

func (a *admin) parseUpload(form *upload, into *controller.Upload) error {
	var err error
	into.Name, err = controller.ParseAppName(form.fields[fieldName])
	if err := form.problems.add(err); err != nil {
		return err
	}
	into.Route, err = a.apps.ParseRoute(form.fields[fieldRoute])
	if err := form.problems.add(err); err != nil {
		return err
	}
	into.Port, err = a.apps.ParsePort(form.fields[fieldPort])
	if err := form.problems.add(err); err != nil {
		return err
	}
	if form.fields[fieldVolume] == "" && form.fields[fieldTarget] == "" {
		return nil
	}
	mount, err := controller.ParseMount(form.fields[fieldVolume], form.fields[fieldTarget], form.fields[fieldReadOnly] != "")
	into.Mounts = []controller.Mount{mount}
	return form.problems.add(err)
}

func (a *admin) uploadForm(v *visit, form *upload) error {
	page := uploadPage{
		frame: v.frame("Upload"),
		Name:  form.fields[fieldName], Route: form.fields[fieldRoute], Port: form.fields[fieldPort],
		MostBytes: archiveBody - formOverhead, Problems: form.problems,
	}
	page.Mount = mountRow{
		Volume: form.fields[fieldVolume], Target: form.fields[fieldTarget], ReadOnly: form.fields[fieldReadOnly] != "",
	}
	page.VolumeNames = a.volumeNames(v)
	page.Section = "upload"
	page.Problem = form.problems[""]
	return v.page(form.problems.status(), "upload", page)
}
