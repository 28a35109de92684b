package router

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// Volumes are the volumes of the stack. volumes.Volumes are the ones there are.
type Volumes interface {
	Create(ctx context.Context, name volume.Name, description string) error
	List(context.Context) ([]volumes.View, error)
	Names(context.Context) ([]volume.Name, error)
	Find(context.Context, volume.Name) (volumes.View, error)
	Delete(ctx context.Context, name volume.Name, confirm string) error
	UpdateQuota(ctx context.Context, name volume.Name, bytes int64) (waiting []app.Name, err error)
	Warnings() []volumes.Warning
	Read(context.Context, volume.Name) (*volumes.Files, error)
	Change(context.Context, volume.Name) (*volumes.Files, error)
	PutTar(ctx context.Context, name volume.Name, way volume.Way, from io.Reader) error
}

type volumesPage struct {
	frame
	Volumes           []volumeRow
	Name, Description string // as they were typed
	Problems          fieldProblems
	Room              string // what is left of the limit, where it is little
}

// volumeRow is a volume as pages show it.
type volumeRow struct {
	Name        volume.Name
	Path        string // of its page
	Description string
	CreatedAt   time.Time
	Counted     bool
	Bytes       int64
	Files       string     // how many, in words
	AtLeast     bool       // there is more than was counted
	Quota       *quotaView // nil where there is none
	Warning     *volumeWarning
	Users       []userRow
}

type userRow struct {
	Name app.Name
	Path string
}

func (a *admin) showVolumes(v *visit) error { return a.volumesForm(v, volumesPage{}) }

// createVolume makes a volume: 303 to its page.
func (a *admin) createVolume(v *visit) error {
	form := v.request().PostForm
	page := volumesPage{Name: form.Get("name"), Description: form.Get("description"), Problems: fieldProblems{}}
	name, err := a.makeVolume(v, page.Name, page.Description)
	if err := page.Problems.add(err); err != nil {
		return err
	}
	if len(page.Problems) > 0 {
		return a.volumesForm(v, page)
	}
	if err := v.notify(fmt.Sprintf("The volume %s is there, and empty.", name)); err != nil {
		return err
	}
	return v.seeOther(volumePath(name))
}

// makeVolume makes the volume that was typed or sent.
func (a *admin) makeVolume(v *visit, name, description string) (volume.Name, error) {
	parsed, err := app.ParseVolumeName(name)
	if err != nil {
		return "", err
	}
	v.done.resource = "volume " + string(parsed)
	text, err := volumes.ParseDescription(description)
	if err != nil {
		return "", err
	}
	return parsed, a.volumes.Create(v.context(), parsed, text)
}

func (a *admin) volumesForm(v *visit, page volumesPage) error {
	views, err := a.volumes.List(v.context())
	if err != nil {
		return err
	}
	page.frame = v.frame("Volumes")
	page.Section, page.Problem = "volumes", page.Problems[""]
	v.refund() // nothing was made
	page.Room = v.room(limit.VolumeCreate)
	for _, view := range views {
		page.Volumes = append(page.Volumes, volumeRowOf(view))
	}
	return v.page(page.Problems.status(), "volumes", page)
}

func volumeRowOf(view volumes.View) volumeRow {
	row := volumeRow{
		Name: view.Name, Path: volumePath(view.Name), Description: view.Description, CreatedAt: view.CreatedAt,
		Counted: view.HasUsage, Bytes: view.Usage.Bytes, Files: plural(int(view.Usage.Files), "file"), AtLeast: view.Usage.Partial, Quota: quotaOf(view),
	}
	if view.Warning != nil {
		row.Warning = new(volumeWarningOf(*view.Warning))
	}
	for _, user := range view.Users {
		row.Users = append(row.Users, userRow{user, appPath(user)})
	}
	return row
}

func volumePath(name volume.Name) string { return "/volumes/" + string(name) }

// placePath is an address below a volume's page, for a place in the volume. The
// place is in the query: a file can have any name, an address of ours cannot.
func placePath(name volume.Name, action string, place volume.Path) string {
	path := volumePath(name) + action
	if place == "" {
		return path
	}
	return path + "?" + url.Values{"path": {string(place)}}.Encode()
}

// volume is the volume that the path names.
func (v *visit) volume() (volume.Name, error) {
	name, err := app.ParseVolumeName(v.gin.Param("volume"))
	if err != nil {
		return "", malformed(
			fmt.Sprintf("%.60q cannot be the name of a volume.", v.gin.Param("volume")),
			"A name has 1 to 40 lower-case letters, digits and hyphens. Look for the volume on the page Volumes.", err)
	}
	return name, nil
}

// place is the volume, and the path in it that the query names.
func (v *visit) place() (volume.Name, volume.Path, error) {
	name, err := v.volume()
	if err != nil {
		return "", "", err
	}
	path, err := parsePlace(v.request().URL.Query().Get("path"))
	return name, path, err
}

func parsePlace(text string) (volume.Path, error) {
	path, err := volume.ParsePath(text)
	if err != nil {
		return "", malformed("This cannot be a path in a volume.", "Begin at the volume's page and open the folders from there.", err)
	}
	return path, nil
}

// deleteVolume removes a volume once its name was typed.
func (a *admin) deleteVolume(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	confirm := v.request().PostForm.Get("confirm")
	if err := a.volumes.Delete(v.context(), name, confirm); err != nil {
		return a.refuseOnVolume(v, name, "", err)
	}
	if err := v.notify(fmt.Sprintf("The volume %s is deleted, with all that was in it.", name)); err != nil {
		return err
	}
	return v.seeOther("/volumes")
}

// refuseOnVolume shows the volume's page with the reason why something was refused.
func (a *admin) refuseOnVolume(v *visit, name volume.Name, folder volume.Path, err error) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	a.logProblem(v, asProblem(err))
	for field, problem := range problems {
		if field != "file" && field != "confirm" && field != fieldQuota && field != "" {
			delete(problems, field)
			problems[""] = problem
		}
	}
	return a.volumeForm(v, name, folder, problems)
}

type volumePage struct {
	frame
	Room      string // what is left of the limit on uploads, where it is little
	Volume    volumeRow
	Crumbs    []crumb // the folders above, from the volume's root
	Folder    string  // the name of this one; empty at the root
	Entries   []entryRow
	More      bool
	Upload    string // where files are sent to
	Download  string // this folder as a tar
	MostBytes int64
	Problems  fieldProblems
	Confirm   string
	Quota     string // as it was typed, else its own
}

type crumb struct{ Name, Path string }

// entryRow is something in a folder as pages show it.
type entryRow struct {
	Name     string
	Kind     volume.Kind
	Folder   bool
	Path     string // where it is opened or downloaded; empty where it cannot be
	Remove   string
	Size     int64
	Link     string
	Modified time.Time
}

// FileField is the page's field for files.
func (p volumePage) FileField() archiveField {
	return archiveField{MostBytes: p.MostBytes, Problem: p.Problems["file"]}
}

// showVolume shows one folder of a volume.
func (a *admin) showVolume(v *visit) error {
	name, folder, err := v.place()
	if err != nil {
		return err
	}
	return a.volumeForm(v, name, folder, nil)
}

func (a *admin) volumeForm(v *visit, name volume.Name, folder volume.Path, problems fieldProblems) error {
	view, err := a.volumes.Find(v.context(), name)
	if err != nil {
		return err
	}
	listing, err := a.listFolder(v, name, folder)
	if err != nil {
		return err
	}
	page := volumePage{
		frame: v.frame(string(name)), Volume: volumeRowOf(view), Folder: volume.Path(folder.Name()).String(), More: listing.More,
		Upload: placePath(name, "/upload", folder), Download: placePath(name, "/tar", folder),
		MostBytes: volumes.FileBytes, Problems: problems, Confirm: v.request().PostForm.Get("confirm"),
		Quota: typedQuota(v.request().PostForm, view),
	}
	if folder == "" {
		page.Folder = ""
	}
	page.Section, page.Problem = "volumes", problems[""]
	page.Room = v.room(limit.VolumeUpload)
	page.Crumbs = crumbsOf(name, folder)
	for _, entry := range listing.Entries {
		page.Entries = append(page.Entries, entryRowOf(name, folder, entry))
	}
	return v.page(problems.status(), "volume", page)
}

func (a *admin) listFolder(v *visit, name volume.Name, folder volume.Path) (volume.Listing, error) {
	files, err := a.volumes.Read(v.context(), name)
	if err != nil {
		return volume.Listing{}, err
	}
	defer a.closeFiles(v, files)
	return files.List(folder)
}

// closeFiles ends the work on a volume; what is left of it the engine removes.
func (a *admin) closeFiles(v *visit, files *volumes.Files) {
	if err := files.Close(); err != nil {
		a.logger.WarnContext(v.context(), "close volume", "request_id", requestID(v.gin), "error", err)
	}
}

func crumbsOf(name volume.Name, folder volume.Path) []crumb {
	var crumbs []crumb
	if folder == "" {
		return crumbs
	}
	at := volume.Path("")
	for part := range strings.SplitSeq(string(folder.Folder()), "/") {
		if part == "" {
			continue
		}
		at = at.Join(part)
		crumbs = append(crumbs, crumb{volume.Path(part).String(), placePath(name, "", at)})
	}
	return crumbs
}

func entryRowOf(name volume.Name, folder volume.Path, entry volume.Entry) entryRow {
	at := folder.Join(entry.Name)
	row := entryRow{
		Name: volume.Path(entry.Name).String(), Kind: entry.Kind, Folder: entry.Kind == volume.Folder,
		Remove: placePath(name, "/remove", at), Size: entry.Size, Modified: entry.Modified,
	}
	switch entry.Kind {
	case volume.Folder:
		row.Path = placePath(name, "", at)
	case volume.File:
		row.Path = placePath(name, "/file", at)
	case volume.Symlink:
		row.Link = volume.Path(entry.Link).String()
	}
	return row
}

// emptyAnswer ends a request that has nothing to say.
func (v *visit) emptyAnswer() error {
	v.gin.Status(http.StatusNoContent)
	return nil
}
