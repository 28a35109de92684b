package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

// releaseJSON is a release as the API shows it.
type releaseJSON struct {
	App            app.Name            `json:"app"`
	Number         int64               `json:"number"`
	State          app.ReleaseState    `json:"state"`
	UnderWay       bool                `json:"under_way"`
	QueuePlace     int                 `json:"queue_place,omitempty"` // 1 is next
	Steps          []stepJSON          `json:"steps"`
	Reason         string              `json:"reason,omitempty"`
	Hint           string              `json:"hint,omitempty"`
	CanRetry       bool                `json:"can_retry"`
	Remedy         *problem.Remedy     `json:"remedy,omitempty"` // what of the hint another try can have at once
	RollbackOf     int64               `json:"rollback_of,omitempty"`
	NewSettings    bool                `json:"new_settings,omitempty"`    // rollback_of is run again because the settings changed
	NewEnvironment bool                `json:"new_environment,omitempty"` // or the environment
	Settings       settingsJSON        `json:"settings"`
	Mounts         []mountJSON         `json:"mounts"`
	Archive        string              `json:"archive,omitempty"`
	ArchiveBytes   int64               `json:"archive_bytes,omitempty"`
	Image          plan.ImageReference `json:"image,omitempty"`  // instead of an archive, as it was asked for
	Pinned         string              `json:"pinned,omitempty"` // what of it runs: its digest, or the engine's id where no registry has it
	CreatedBy      string              `json:"created_by"`
	CreatedAt      time.Time           `json:"created_at"`
	FinishedAt     *time.Time          `json:"finished_at"` // null while under way
	Log            string              `json:"log"`         // path of its log
}

type stepJSON struct {
	State app.ReleaseState `json:"state"`
	At    time.Time        `json:"at"`
}

func (v *visit) releaseJSON(release app.Release) releaseJSON {
	made := releaseJSON{
		App: release.App, Number: release.Number, State: release.State, UnderWay: release.State.UnderWay(),
		QueuePlace: v.admin.releases.QueuePlace(release.ReleaseID), Steps: make([]stepJSON, 0, len(release.Steps)),
		Reason: release.Reason, Hint: release.Hint, RollbackOf: release.RerunOf,
		NewSettings:    release.Cause == app.CauseSettings || release.Cause == app.CauseMounts,
		NewEnvironment: release.Cause == app.CauseEnvironment, Settings: settingsJSONOf(release.Settings), Mounts: mountsJSON(release.Mounts),
		Archive: release.ArchiveName, ArchiveBytes: release.ArchiveBytes,
		Image: release.Reference, Pinned: release.Pinned(),
		CreatedBy: release.CreatedBy, CreatedAt: release.CreatedAt,
		Log: apiReleasePath(release.ReleaseID) + "/log",
	}
	for _, step := range release.Steps {
		made.Steps = append(made.Steps, stepJSON{State: step.State, At: step.At})
	}
	if made.CanRetry = release.CanRetry(); release.Remedy != (problem.Remedy{}) {
		made.Remedy = &release.Remedy
	}
	if !release.FinishedAt.IsZero() {
		made.FinishedAt = &release.FinishedAt
	}
	return made
}

// createdRelease answers a deploy with the release that it began.
func (v *visit) createdRelease(release app.Release) error {
	v.gin.Header("Location", apiReleasePath(release.ReleaseID))
	return v.json(http.StatusCreated, v.releaseJSON(release))
}

// releasesJSON is the releases of an app, the newest first.
type releasesJSON struct {
	Releases []releaseJSON `json:"releases"`
	Next     string        `json:"next,omitempty"` // path of the next page; none: this is the last one
}

func (a *admin) apiListReleases(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	found, err := a.releases.Releases(v.context(), name)
	if err != nil {
		return err
	}
	page, err := v.pageWish()
	if err != nil {
		return err
	}
	if !page.asked {
		page.limit = len(found) // a client that knows of no pages gets all
	}
	made := releasesJSON{Releases: []releaseJSON{}}
	for _, release := range found {
		if page.cursor != 0 && release.Number >= page.cursor {
			continue
		}
		if len(made.Releases) == page.limit {
			made.Next = v.nextPage(made.Releases[page.limit-1].Number)
			break
		}
		made.Releases = append(made.Releases, v.releaseJSON(release))
	}
	return v.json(http.StatusOK, made)
}

func (a *admin) apiShowRelease(v *visit) error {
	release, err := a.releaseOf(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, v.releaseJSON(release))
}

// apiShowLog gives the log as text; with follow=1 the answer ends when the release is final.
func (a *admin) apiShowLog(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if _, err := a.releases.Release(v.context(), id); err != nil {
		return err
	}
	return a.sendLog(v, id, v.gin.Query("follow") == "1")
}

func (a *admin) apiCancelRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if err := a.releases.Cancel(v.context(), id); err != nil {
		return err
	}
	return a.apiShowRelease(v)
}

// rollbackWish names the release to go back to.
type rollbackWish struct {
	Release int64 `json:"release"`
}

// apiRollBackApp takes {"release": N} as JSON.
func (a *admin) apiRollBackApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish rollbackWish
	if err := decodeJSON(v.request(), &wish, `{"release": 3}`); err != nil {
		return err
	}
	number, err := parseReleaseNumber(fmt.Sprint(wish.Release))
	if err != nil {
		return err
	}
	if err := a.mayRollBack(v, app.ReleaseID{App: name, Number: number}); err != nil {
		return err
	}
	release, err := a.releases.Rollback(v.context(), name, number, v.caller.name())
	if err != nil {
		return err
	}
	return v.createdRelease(release)
}

// mayRollBack keeps a token from bringing a waiver back that was taken away.
func (a *admin) mayRollBack(v *visit, to app.ReleaseID) error {
	view, err := a.apps.App(v.context(), to.App)
	if err != nil {
		return err
	}
	old, err := a.releases.Release(v.context(), to)
	if err != nil {
		return err
	}
	return v.mayWaive(view.App, old.Settings)
}

// decodeJSON reads a body that is one object, such as the example.
func decodeJSON(r *http.Request, into any, example string) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		_, err = decoder.Token() // io.EOF where nothing follows
	}
	if errors.Is(err, io.EOF) && decoder.InputOffset() > 0 {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	return problem.Invalid(
		"The body is not the JSON that was expected.",
		fmt.Sprintf("Send an object such as %s.", example),
	).Because(err)
}

func apiReleasePath(id app.ReleaseID) string {
	return fmt.Sprintf("/api/v1/apps/%s/releases/%d", id.App, id.Number)
}
