package router

import (
	"cmp"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// volumeJSON is a volume as the API shows it.
type volumeJSON struct {
	Name        volume.Name `json:"name"`
	Description string      `json:"description"`
	CreatedAt   time.Time   `json:"created_at"`
	Bytes       *int64      `json:"bytes"` // null where it could not be counted in time
	Files       *int64      `json:"files"`
	Stored      *int64      `json:"stored_bytes"`    // what it takes on the disk
	Quota       int64       `json:"quota,omitempty"` // of stored_bytes
	Default     bool        `json:"quota_is_default"`
	StopsAppsAt *time.Time  `json:"stops_apps_at,omitempty"` // it is over its quota, and its apps have time until then
	Users       []app.Name  `json:"users"`
}

func volumeJSONOf(view volumes.View) volumeJSON {
	made := volumeJSON{Name: view.Name, Description: view.Description, CreatedAt: view.CreatedAt, Quota: view.Quota, Default: !view.OwnQuota, Users: []app.Name{}}
	made.Users = append(made.Users, view.Users...)
	if view.HasUsage {
		made.Bytes, made.Files, made.Stored = &view.Usage.Bytes, &view.Usage.Files, &view.Usage.Stored
	}
	if view.Warning != nil {
		made.StopsAppsAt = &view.Warning.Until
	}
	return made
}

// entryJSON is something in a folder as the API shows it.
type entryJSON struct {
	Name     string      `json:"name"`
	Kind     volume.Kind `json:"kind"`
	Size     int64       `json:"size"`
	Modified time.Time   `json:"modified"`
}

// volumesJSON is all volumes.
type volumesJSON struct {
	Volumes []volumeJSON `json:"volumes"`
}

// volumeWish is a volume to make.
type volumeWish struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// quotaWish is how much a volume may hold, such as 20g.
type quotaWish struct {
	Quota string `json:"quota"`
}

func (a *admin) apiListVolumes(v *visit) error {
	views, err := a.volumes.List(v.context())
	if err != nil {
		return err
	}
	volumes := make([]volumeJSON, 0, len(views))
	for _, view := range views {
		volumes = append(volumes, volumeJSONOf(view))
	}
	return v.json(http.StatusOK, volumesJSON{volumes})
}

// apiCreateVolume answers 201 with the volume.
func (a *admin) apiCreateVolume(v *visit) error {
	var wish volumeWish
	if err := decodeJSON(v.request(), &wish, `{"name": "my-data"}`); err != nil {
		return err
	}
	name, err := a.makeVolume(v, wish.Name, wish.Description)
	if err != nil {
		return err
	}
	view, err := a.volumes.Find(v.context(), name)
	if err != nil {
		return err
	}
	v.gin.Header("Location", apiVolumes+"/"+string(name))
	return v.json(http.StatusCreated, volumeJSONOf(view))
}

func (a *admin) apiShowVolume(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	view, err := a.volumes.Find(v.context(), name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, volumeJSONOf(view))
}

// apiUpdateQuota answers with the volume.
func (a *admin) apiUpdateQuota(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	var wish quotaWish
	if err := decodeJSON(v.request(), &wish, `{"quota": "20g"}`); err != nil {
		return err
	}
	if _, err := a.changeQuota(v, name, wish.Quota); err != nil {
		return err
	}
	view, err := a.volumes.Find(v.context(), name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, volumeJSONOf(view))
}

// apiDeleteVolume takes the name in the path as the confirmation.
func (a *admin) apiDeleteVolume(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	if err := a.volumes.Delete(v.context(), name, string(name)); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiPlace is the volume and the path in it that the address names.
func (v *visit) apiPlace() (volume.Name, volume.Path, error) {
	name, err := v.volume()
	if err != nil {
		return "", "", err
	}
	path, err := parsePlace(v.gin.Param("path"))
	return name, path, err
}

// entriesJSON is what a folder holds.
type entriesJSON struct {
	Entries []entryJSON `json:"entries"`
	More    bool        `json:"more"` // there are others, which are not listed
}

// apiShowFile sends a file as it is, or lists a folder.
func (a *admin) apiShowFile(v *visit) error {
	name, path, err := v.apiPlace()
	if err != nil {
		return err
	}
	entry, listing, err := a.lookUp(v, name, path)
	if err != nil {
		return err
	}
	if entry.Kind != volume.Folder {
		return a.sendFile(v, name, path)
	}
	entries := make([]entryJSON, 0, len(listing.Entries))
	for _, found := range listing.Entries {
		entries = append(entries, entryJSON{Name: found.Name, Kind: found.Kind, Size: found.Size, Modified: found.Modified})
	}
	return v.json(http.StatusOK, entriesJSON{entries, listing.More})
}

// lookUp finds what is at the path, and lists it where it is a folder.
func (a *admin) lookUp(v *visit, name volume.Name, path volume.Path) (volume.Entry, volume.Listing, error) {
	files, err := a.volumes.Read(v.context(), name)
	if err != nil {
		return volume.Entry{}, volume.Listing{}, err
	}
	defer a.closeFiles(v, files)
	entry, err := files.Find(path)
	if err != nil || entry.Kind != volume.Folder {
		return entry, volume.Listing{}, err
	}
	listing, err := files.List(path)
	return entry, listing, err
}

// apiWriteFile puts the body into one file, which is replaced where it is there.
func (a *admin) apiWriteFile(v *visit) error {
	name, path, err := v.apiPlace()
	if err != nil {
		return err
	}
	if path, err = volume.ParseNewPath(string(path)); err != nil {
		return badFileNameProblem(err)
	}
	v.done.detail = path.String()
	if err := declaredTooLarge(v.request(), v.route.body); err != nil {
		return fileProblem(err)
	}
	files, err := a.volumes.Change(v.context(), name)
	if err != nil {
		return err
	}
	defer a.closeFiles(v, files)
	if err := files.Write(path, v.request().Body); err != nil {
		return fileProblem(err)
	}
	return v.emptyAnswer()
}

// apiDeleteFile deletes a file, or with recursive=1 a folder with all that is in it.
func (a *admin) apiDeleteFile(v *visit) error {
	name, path, err := v.apiPlace()
	if err != nil {
		return err
	}
	v.done.detail = path.String()
	files, err := a.volumes.Change(v.context(), name)
	if err != nil {
		return err
	}
	defer a.closeFiles(v, files)
	entry, err := files.Find(path)
	if err != nil {
		return err
	}
	if entry.Kind == volume.Folder && path != "" && v.gin.Query("recursive") != "1" {
		return problem.Conflict("This is a folder.", "Send recursive=1 to delete it with all that is in it.")
	}
	if err := files.Remove(path); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiPackFolder sends a folder, or the whole volume, as a tar.
func (a *admin) apiPackFolder(v *visit) error { return a.downloadFolder(v) }

// apiPutTar unpacks a tar into a volume, which is made where it is not there.
func (a *admin) apiPutTar(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	way, err := volume.ParseWay(v.gin.Query("way"))
	if err != nil {
		return app.VolumeProblem("way", err)
	}
	v.done.detail = cmp.Or(string(way), "whole volume")
	switch request := v.request(); {
	case declaredTooLarge(request, v.route.body) != nil:
		return problem.TooLarge("The tar is larger than 1 TB.", "Send the folders of the volume one after the other, with way=merge.")
	case request.ContentLength == 0: // it would be a tar without an entry
		return problem.Invalid("There is no tar.", "Send an uncompressed tar as the body, as tar -cf makes it.")
	}
	if err := a.volumes.PutTar(v.context(), name, way, v.request().Body); err != nil {
		return fileProblem(err)
	}
	return v.emptyAnswer()
}

// mountJSON is a volume in an app as the API shows and takes it.
type mountJSON struct {
	Volume   string `json:"volume"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"read_only"`
}

func mountsJSON(mounts []app.Mount) []mountJSON {
	made := make([]mountJSON, 0, len(mounts))
	for _, mount := range mounts {
		made = append(made, mountJSON{Volume: string(mount.Volume), Target: string(mount.Target), ReadOnly: mount.ReadOnly})
	}
	return made
}

// mountsWish is all mounts of an app.
type mountsWish struct {
	Mounts []mountJSON `json:"mounts"`
}

func (w mountsWish) parse() (mounts []app.Mount, err error) {
	for _, one := range w.Mounts {
		mount, err := app.ParseMount(one.Volume, one.Target, one.ReadOnly)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, mount)
	}
	return mounts, nil
}

// apiUpdateMounts answers 201 with the release that runs with the volumes, or 200
// with the app where there is nothing to run.
func (a *admin) apiUpdateMounts(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish mountsWish
	if err := decodeJSON(v.request(), &wish, `{"mounts": [{"volume": "my-data", "target": "/data"}]}`); err != nil {
		return err
	}
	mounts, err := wish.parse()
	if err != nil {
		return err
	}
	release, err := a.mounts.UpdateMounts(v.context(), name, mounts, v.caller.name())
	if err != nil {
		return err
	}
	if release.Number == 0 {
		return a.apiShowApp(v)
	}
	return v.createdRelease(release)
}
