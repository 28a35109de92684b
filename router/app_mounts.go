package router

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
)

// The fields of a mount.
const (
	fieldVolume   = "volume"
	fieldTarget   = "target"
	fieldReadOnly = "read_only"
	fieldRemove   = "remove"
)

// namesTimeout is how long a page waits for the names of the volumes.
const namesTimeout = 2 * time.Second

// Mounts gives apps volumes.
type Mounts interface {
	UpdateMounts(ctx context.Context, app app.Name, mounts []app.Mount, by string) (app.Release, error)
}

// mountRow is one mount of the form, as typed.
type mountRow struct {
	Index    int
	Volume   string
	Target   string
	ReadOnly bool
	Remove   bool
	Fresh    bool // an empty row, for one more
	Problem  *problem.Problem
}

// volumeChoices are the volumes that a field offers.
type volumeChoices struct {
	Chosen volume.Name
	Names  []volume.Name
}

func choicesOf(names []volume.Name, chosen string) volumeChoices {
	if chosen != "" && !slices.Contains(names, volume.Name(chosen)) {
		names = append(slices.Clone(names), volume.Name(chosen)) // typed, or gone meanwhile
	}
	return volumeChoices{volume.Name(chosen), names}
}

// Mountable reports whether there is a volume to mount, or one that is mounted.
func (p appPage) Mountable() bool { return len(p.VolumeNames) > 0 || len(p.Mounts) > 1 }

// Choices are the volumes that a row of the page offers.
func (p appPage) Choices(chosen string) volumeChoices { return choicesOf(p.VolumeNames, chosen) }

// Choices are the volumes that the page offers.
func (p uploadPage) Choices(chosen string) volumeChoices { return choicesOf(p.VolumeNames, chosen) }

// Wrong says whether the problem of the row is in the field.
func (r mountRow) Wrong(field string) bool { return r.Problem != nil && r.Problem.Field == field }

// updateMounts gives an app other volumes: 303 to the page of the release that
// runs with them, or to the app's own where there is nothing to run.
func (a *admin) updateMounts(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	rows := typedMounts(v.request().PostForm)
	mounts, good := parseMounts(rows)
	if !good {
		return a.mountsForm(v, name, rows, nil)
	}
	release, err := a.mounts.UpdateMounts(v.context(), name, mounts, v.caller.name())
	if problem := asProblem(err); err != nil && (problem.Field == fieldTarget || problem.Field == fieldVolume) {
		rows[len(rows)-1].Problem = problem
		for i := range rows { // beside the row that it speaks of, where one can be told
			if problem.Field == fieldVolume && rows[i].Volume != "" && !a.knowsVolume(v, rows[i].Volume) {
				rows[len(rows)-1].Problem, rows[i].Problem = nil, problem
				break
			}
		}
		return a.mountsForm(v, name, rows, nil)
	}
	if err != nil {
		return a.refuseOnApp(v, name, tabVolumes, err)
	}
	if release.Number != 0 {
		return v.seeResult(releasePath(release.ReleaseID))
	}
	if err := v.notify(fmt.Sprintf("Volumes of %s saved for the next deploy.", name)); err != nil {
		return err
	}
	return v.seeOther(tabPath(name, tabVolumes))
}

func (a *admin) knowsVolume(v *visit, name string) bool {
	return slices.Contains(a.volumeNames(v), volume.Name(name))
}

// mountsForm shows the app's page with what was typed and what is wrong with it: with all of
// it, or with rows.
func (a *admin) mountsForm(v *visit, name app.Name, rows []mountRow, wrong *problem.Problem) error {
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.Mounts, page.Problems = rows, fieldProblems{}
	if wrong != nil {
		page.Problem, page.Problems = wrong, fieldProblems{"": wrong}
	}
	for _, row := range rows {
		if row.Problem != nil {
			page.Problems[fieldVolume] = row.Problem
		}
	}
	return a.volumesTab(v, page)
}

// volumeNames are the names to choose from; none where the engine does not say.
func (a *admin) volumeNames(v *visit) []volume.Name {
	ctx, cancel := context.WithTimeout(v.context(), namesTimeout)
	defer cancel()
	names, err := a.volumes.Names(ctx)
	if err != nil {
		a.logger.WarnContext(v.context(), "list volumes", "request_id", requestID(v.gin), "error", err)
	}
	return names
}

// mountRows are the app's mounts, and an empty row.
func mountRows(mounts []app.Mount) []mountRow {
	rows := make([]mountRow, 0, len(mounts)+1)
	for i, mount := range mounts {
		rows = append(rows, mountRow{Index: i, Volume: string(mount.Volume), Target: string(mount.Target), ReadOnly: mount.ReadOnly})
	}
	return append(rows, mountRow{Index: len(mounts), Fresh: true})
}

// typedMounts reads the rows of the form. There is always one.
func typedMounts(form url.Values) []mountRow {
	volumes, targets := form[fieldVolume], form[fieldTarget]
	var rows []mountRow
	for i := range max(1, len(volumes), len(targets)) {
		index := strconv.Itoa(i)
		row := mountRow{
			Index: i, ReadOnly: slices.Contains(form[fieldReadOnly], index), Remove: slices.Contains(form[fieldRemove], index),
		}
		if i < len(volumes) {
			row.Volume = volumes[i]
		}
		if i < len(targets) {
			row.Target = targets[i]
		}
		row.Fresh = i == max(1, len(volumes), len(targets))-1
		rows = append(rows, row)
	}
	return rows
}

// parseMounts returns the mounts of the rows, and notes in a row what is wrong with it.
func parseMounts(rows []mountRow) (mounts []app.Mount, good bool) {
	good = true
	for i := range rows {
		row := &rows[i]
		if row.Remove || row.Volume == "" && row.Target == "" {
			continue
		}
		mount, err := app.ParseMount(row.Volume, row.Target, row.ReadOnly)
		if err == nil {
			mounts = append(mounts, mount)
			err = app.CheckMounts(mounts)
		}
		if err != nil {
			row.Problem, good = asProblem(err), false
		}
	}
	return mounts, good
}
