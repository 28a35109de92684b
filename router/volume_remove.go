package router

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
	"berth/templates"
)

// removalPage asks whether a folder is to be deleted, and says what is in it.
type removalPage struct {
	frame
	VolumeName volume.Name
	Volume     string // the address of its page
	Crumbs     []crumb
	Folder     string
	Action     string
	Back       string
	Confirm    string // what says that this count was seen
}

// showRemoval asks about a folder. Of a file nothing is asked: 303 to its folder.
func (a *admin) showRemoval(v *visit) error {
	name, path, err := v.place()
	if err != nil {
		return err
	}
	files, err := a.volumes.Read(v.context(), name)
	if err != nil {
		return err
	}
	usage, folder, err := countFolder(files, path)
	a.closeFiles(v, files)
	switch {
	case err != nil:
		return a.refuseOnVolume(v, name, path.Folder(), err)
	case !folder:
		return v.seeOther(placePath(name, "", path.Folder()))
	}
	return a.askRemoval(v, name, path, usage, nil)
}

func (a *admin) askRemoval(v *visit, name volume.Name, path volume.Path, usage volume.Usage, problems fieldProblems) error {
	folder := volume.Path(path.Name()).String()
	page := removalPage{
		frame: v.frame(removalTitle(folder, usage)), VolumeName: name, Volume: volumePath(name), Crumbs: crumbsOf(name, path),
		Folder: folder, Action: placePath(name, "/remove", path), Back: placePath(name, "", path.Folder()), Confirm: confirmation(name, path, usage),
	}
	page.Section, page.Problem = "volumes", problems[""]
	return v.page(problems.status(), "removal", page)
}

// removeFile removes a file, or a folder whose count was confirmed: 303 to the
// folder that held it.
func (a *admin) removeFile(v *visit) error {
	name, path, err := v.place()
	if err != nil {
		return err
	}
	v.done.detail = path.String()
	files, err := a.volumes.Change(v.context(), name)
	if err != nil {
		return err
	}
	usage, folder, err := countFolder(files, path)
	unasked := folder && v.request().PostForm.Get("confirm") != confirmation(name, path, usage)
	if err == nil && !unasked {
		err = files.Remove(path)
	}
	a.closeFiles(v, files)
	if err != nil {
		return a.refuseOnVolume(v, name, path.Folder(), err)
	}
	if unasked {
		problem := unconfirmedProblem(v.request().PostForm.Get("confirm"))
		a.logProblem(v, problem)
		return a.askRemoval(v, name, path, usage, fieldProblems{"": problem})
	}
	if err := v.notify(fmt.Sprintf("%s is deleted.", path)); err != nil {
		return err
	}
	return v.seeOther(placePath(name, "", path.Folder()))
}

// unconfirmedProblem is that a folder was to be deleted without its count, or with another one.
func unconfirmedProblem(confirm string) *problem.Problem {
	if confirm == "" {
		return problem.Conflict(
			"The folder was not deleted: it needs a confirmation.",
			"See below what is in it, then delete it.",
		)
	}
	return problem.Conflict("The folder was not deleted: it has changed.", "See below what is in it now, then delete it.")
}

// countFolder counts what is at the path, where that is a folder.
func countFolder(files *volumes.Files, path volume.Path) (usage volume.Usage, folder bool, err error) {
	if path == "" {
		return volume.Usage{}, false, files.Remove(path) // which says what to do instead
	}
	entry, err := files.Find(path)
	if err != nil || entry.Kind != volume.Folder {
		return volume.Usage{}, false, err
	}
	usage, err = files.Count(path)
	return usage, true, err
}

// confirmation is bound to the folder and to what was counted in it. Of a folder that
// is too large to be counted it is bound to that alone, as each count ends elsewhere.
func confirmation(name volume.Name, path volume.Path, usage volume.Usage) string {
	counted := fmt.Sprint(usage.Files, usage.Folders, usage.Bytes)
	if usage.Partial {
		counted = "more"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", name, path, counted))
	return hex.EncodeToString(sum[:16])
}

func removalTitle(folder string, usage volume.Usage) string {
	if usage.Files+usage.Folders == 0 && !usage.Partial {
		return fmt.Sprintf("Delete empty folder %s?", folder)
	}
	text := grouped(usage.Files, "file")
	if usage.Folders > 0 {
		text += " and " + grouped(usage.Folders, "folder")
	}
	if usage.Partial {
		text = "more than " + text
	}
	return fmt.Sprintf("Delete folder %s with %s (%s)?", folder, text, templates.Bytes(usage.Bytes))
}

// grouped is plural with commas between thousands.
func grouped(n int64, noun string) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	if n != 1 {
		noun += "s"
	}
	return digits + " " + noun
}
