package router

import (
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/volume"
)

// ownVolumeRow is a volume that an app's compose file names.
type ownVolumeRow struct {
	Service  string
	Volume   volume.Name
	Path     string // of its page
	Target   string // in the service
	ReadOnly bool
}

// newVolumeForm is the form that makes a volume and mounts it, as typed.
type newVolumeForm struct {
	Name, Target string
	ReadOnly     bool
	Problem      *problem.Problem
}

// Wrong says whether the problem is in the field.
func (f newVolumeForm) Wrong(field string) bool { return f.Problem != nil && f.Problem.Field == field }

// typedVolume reads the form.
func (v *visit) typedVolume() newVolumeForm {
	typed := v.request().PostForm
	return newVolumeForm{Name: typed.Get(fieldVolume), Target: typed.Get(fieldTarget), ReadOnly: typed.Get(fieldReadOnly) != ""}
}

// volumesTab is where the app writes what outlives its releases.
func (a *admin) volumesTab(v *visit, page appPage) error {
	name := page.view.Name
	page.frame = page.on(name, tabVolumes)
	page.Title = "Volumes of " + string(name)
	if page.Mounts == nil {
		page.Mounts = mountRows(page.view.Mounts)
	}
	page.VolumeNames, page.VolumeRoom = a.volumeNames(v), v.room(limit.VolumeCreate)
	var err error
	if page.OwnVolumes, err = a.ownVolumes(v, page.view.App); err != nil {
		return err
	}
	return v.page(page.Problems.status(), "app_volumes", page)
}

// ownVolumes are the volumes of the services of the live release.
func (a *admin) ownVolumes(v *visit, of app.App) ([]ownVolumeRow, error) {
	if of.Live == 0 {
		return nil, nil
	}
	live, err := a.releases.Release(v.context(), app.ReleaseID{App: of.Name, Number: of.Live})
	if err != nil {
		return nil, err
	}
	var rows []ownVolumeRow
	for _, run := range live.Services {
		for _, mount := range run.Spec.Mounts {
			name := live.OwnVolume(mount.Volume)
			rows = append(rows, ownVolumeRow{run.Spec.Name, name, volumePath(name), mount.Target, mount.ReadOnly})
		}
	}
	return rows, nil
}

// createAppVolume makes a volume and mounts it into the app in one step: 303 to the page of
// the release that runs with it, or back where there is nothing to run.
func (a *admin) createAppVolume(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.NewVolume = v.typedVolume()
	mount, err := app.ParseMount(page.NewVolume.Name, page.NewVolume.Target, page.NewVolume.ReadOnly)
	mounts := append(slices.Clone(page.view.Mounts), mount)
	if err == nil {
		err = app.CheckMounts(mounts)
	}
	if err == nil {
		_, err = a.makeVolume(v, string(mount.Volume), "")
	}
	if err != nil {
		return a.refuseNewVolume(v, page, err)
	}
	v.done.detail = fmt.Sprintf("mounted by %s at %s", name, mount.Target)
	release, err := a.mounts.UpdateMounts(v.context(), name, mounts, v.caller.name())
	if err != nil {
		return a.refuseMountOfNew(v, page, mount, err)
	}
	return v.seeSaved(fmt.Sprintf("The volume %s is there. Volumes of %s", mount.Volume, name), tabPath(name, tabVolumes), release)
}

// refuseNewVolume shows the tab with what is wrong, where nothing was made.
func (a *admin) refuseNewVolume(v *visit, page appPage, err error) error {
	if !isShown(err) {
		return err
	}
	v.refund()
	fault := asProblem(err)
	a.logProblem(v, fault)
	page.Problems = fieldProblems{fault.Field: fault}
	switch fault.Field {
	case fieldTarget:
	case fieldVolume, fieldName:
		beside := *fault
		beside.Field = fieldVolume
		fault = &beside
	default:
		page.Problem, fault = fault, nil
	}
	page.NewVolume.Problem = fault
	return a.volumesTab(v, page)
}

// refuseMountOfNew shows the tab where the volume was made but not mounted: it is chosen in
// the form that mounts it.
func (a *admin) refuseMountOfNew(v *visit, page appPage, mount app.Mount, err error) error {
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || !isShown(err) {
		return err
	}
	a.logProblem(v, fault)
	page.NewVolume, page.Mounts = newVolumeForm{}, mountRows(page.view.Mounts)
	last := &page.Mounts[len(page.Mounts)-1]
	last.Volume, last.Target, last.ReadOnly, last.Problem = string(mount.Volume), string(mount.Target), mount.ReadOnly, fault
	page.Problems = fieldProblems{fieldVolume: fault}
	page.Notice = fmt.Sprintf("The volume %s is there, but it isn't mounted yet.", mount.Volume)
	return a.volumesTab(v, page)
}
