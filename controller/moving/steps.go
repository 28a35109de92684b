package moving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/traefik"
)

const (
	verifyTime = 45 * time.Minute // for the build there too
	stopTime   = 5 * time.Minute
)

// job is a move while it runs.
type job struct {
	*Moves

	move     Move
	there    *server
	count    *counter
	notes    []string // what the person must know although it ended well
	deployed bool     // the other server has the app

	key    app.Name                 // the handle of the app here
	listed map[volume.Name]*listing // of what was sent in the step volumes
}

// begun reports whether the step was begun, by this process or an earlier one.
func (j *job) begun(step Step) bool {
	return slices.Index(Steps(), j.move.Step) >= slices.Index(Steps(), step)
}

// climb takes the steps from the one that the ledger names.
func (j *job) climb(ctx context.Context) error {
	j.deployed = j.begun(StepDeploy) // as far as is known
	j.listed = make(map[volume.Name]*listing)
	do := map[Step]func(context.Context, app.App, app.Release) error{
		StepCheck: j.check, StepVolumes: j.sendVolumes, StepStop: j.stop, StepDifference: j.sendDifference,
		StepDeploy: j.deploy, StepVerify: j.verify, StepRedirect: j.redirect,
	}
	for _, step := range Steps()[slices.Index(Steps(), j.move.Step):] {
		if err := j.enter(ctx, step); err != nil {
			return err
		}
		found, live, err := j.o.Ledger.FindLive(ctx, j.move.App)
		if err != nil {
			return err
		}
		j.key = found.Key()
		if err := do[step](ctx, found, live); err != nil {
			return err
		}
	}
	return nil
}

// enter notes the step before it begins.
func (j *job) enter(ctx context.Context, step Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	before := j.move.Step
	j.move.Step = step
	j.count.begin(0)
	if j.there.most = longestWait; j.begun(StepStop) {
		j.there.most = stoppedWait
	}
	if before != step {
		if err := j.o.Ledger.SaveMove(ctx, j.move); err != nil {
			j.move.Step = before
			return err
		}
	}
	if j.o.At != nil {
		j.o.At(j.move.App, step)
	}
	return ctx.Err()
}

// check finds what would end the move later on.
func (j *job) check(ctx context.Context, found app.App, live app.Release) error {
	if live.Number == 0 {
		return problem.Conflict("The app has no live release.", "Deploy it first, or deploy it on the other server.")
	}
	if err := j.settled(ctx); err != nil {
		return err
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := j.there.get(ctx, "/api/v1/openapi.json", &document); err != nil {
		return told("to tell what it can do", err)
	}
	if document.Paths["/api/v1/volumes/{volume}/tar"]["put"] == nil || document.Paths["/api/v1/apps/{name}/move"] == nil {
		return problem.Conflict("The Berth on the other server is too old to take apps that move.", "Update it there, then begin the move again.")
	}
	err := j.there.get(ctx, appPath(found.Name), nil)
	if err == nil {
		return problem.Conflict(fmt.Sprintf("The other server has an app called %s already.", found.Name), "Delete it there, or move it away first.")
	}
	if !isStatus(err, http.StatusNotFound) {
		return told("to look for the app", err)
	}
	if err := j.checkSource(live); err != nil {
		return err
	}
	return j.checkVolumes(ctx, found, live)
}

// checkSource makes sure that there is something to deploy there.
func (j *job) checkSource(live app.Release) error {
	if live.Reference != "" {
		return nil
	}
	archive, err := j.o.Sources.Archive(live)
	if err != nil {
		return err
	}
	return archive.Close()
}

func (j *job) checkVolumes(ctx context.Context, found app.App, live app.Release) error {
	users, err := j.o.Volumes.Users(ctx)
	if err != nil {
		return err
	}
	var bytes int64
	for _, name := range volumesOf(found, live) {
		for _, user := range users[name] {
			if user != j.move.App {
				return problem.Conflict(fmt.Sprintf("The app %s mounts the volume %s too.", user, name), "Take the volume out of one of the two apps: each server has its own volumes.")
			}
		}
		var there struct {
			Files int64 `json:"files"`
		}
		err := j.there.get(ctx, j.pathThere(name), &there)
		if err != nil && !isStatus(err, http.StatusNotFound) {
			return told("to look for the volume "+string(name), err)
		}
		if err == nil && there.Files > 0 {
			return problem.Conflict(fmt.Sprintf("The other server has a volume called %s already, which holds files.", name), "Delete it there if nobody needs it.")
		}
		used, err := j.usage(ctx, name)
		if err != nil {
			return err
		}
		bytes += used.Stored
	}
	var disks struct {
		Disk struct {
			Free   int64 `json:"free_bytes"`
			Refuse int64 `json:"refuse_below_bytes"`
		} `json:"disk"`
	}
	if err := j.there.get(ctx, "/api/v1/disks", &disks); err != nil {
		return told("to tell how much room it has", err)
	}
	if free := disks.Disk.Free - disks.Disk.Refuse; disks.Disk.Free > 0 && bytes > free {
		return problem.Full("The other server has no room for the volumes of the app.", "Make room on its disk: see its page Disks.")
	}
	return nil
}

func (j *job) usage(ctx context.Context, name volume.Name) (volume.Usage, error) {
	session, err := j.o.Keeper.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return volume.Usage{}, fmt.Errorf("open volume %s: %w", name, err)
	}
	used, err := session.Count("", time.Minute)
	return used, errors.Join(err, session.Close())
}

// volumesOf are the volumes of all services of the release, and those that wait for the next one.
func volumesOf(found app.App, live app.Release) (names []volume.Name) {
	for _, mount := range slices.Concat(live.AllMounts(), found.Mounts) {
		names = append(names, mount.Volume)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pathThere is where the volume is on the other server: there a volume of the compose file is
// called by the name of the app, which may not be its handle here.
func (j *job) pathThere(name volume.Name) string {
	if own, ok := strings.CutPrefix(string(name), string(volume.OfApp(string(j.key), ""))); ok {
		name = volume.OfApp(string(j.move.App), own)
	}
	return "/api/v1/volumes/" + string(name)
}

// sendVolumes sends all data while the app runs.
func (j *job) sendVolumes(ctx context.Context, found app.App, live app.Release) error {
	for _, name := range volumesOf(found, live) {
		// The list is of before: what changes while it is sent differs from it afterwards.
		listed, err := j.list(ctx, name)
		if err != nil {
			return err
		}
		if err := j.sendWhole(ctx, name); err != nil {
			return err
		}
		j.listed[name] = listed
	}
	return nil
}

// settled refuses an app with a release under way, which would start it again.
func (j *job) settled(ctx context.Context) error {
	underWay, err := j.o.Ledger.ListUnderWay(ctx)
	if err != nil {
		return err
	}
	for _, release := range underWay {
		if release.App == j.move.App {
			return problem.Conflict(fmt.Sprintf("r%d of the app is under way.", release.Number), "Wait for its end, then begin the move again.")
		}
	}
	return nil
}

// stop keeps the app from changing its data.
func (j *job) stop(ctx context.Context, _ app.App, _ app.Release) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := j.settled(ctx); err != nil {
		return err
	}
	return j.o.Story.Stop(ctx, j.move.App)
}

// sendDifference sends what has changed since sendVolumes; all of it where an earlier
// process has sent it.
func (j *job) sendDifference(ctx context.Context, found app.App, live app.Release) error {
	if err := stillStopped(found); err != nil {
		return err
	}
	for _, name := range volumesOf(found, live) {
		var err error
		if before := j.listed[name]; before != nil {
			err = j.sendChanges(ctx, name, before)
		} else {
			err = j.sendWhole(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stillStopped refuses to go on below an app that somebody has started meanwhile: what it
// writes would be lost.
func stillStopped(found app.App) error {
	if found.Wanted == app.WantedStopped {
		return nil
	}
	return problem.Conflict("Somebody has started the app here during the move.", "Begin the move again, and leave the app alone until its end.")
}

// deploy sends what the app is made of.
func (j *job) deploy(ctx context.Context, found app.App, live app.Release) error {
	if err := stillStopped(found); err != nil {
		return err
	}
	described, err := j.o.Describe(ctx, found)
	if err != nil {
		return err
	}
	j.count.begin(live.ArchiveBytes)
	err = j.there.ask(ctx, http.MethodPost, appsPath, func() (io.Reader, string, error) { return j.form(found, live, described) }, nil)
	_, refused := errors.AsType[*refusal](err)
	j.deployed = !refused // after a broken connection it may be there
	if err != nil {
		return told("the app", err)
	}
	if found.Labels.Project != "" || len(found.Labels.Tags) > 0 {
		labels := map[string]any{"project": found.Labels.Project, "tags": append([]string{}, found.Labels.Tags...)}
		if err := j.there.sendJSON(ctx, http.MethodPatch, appPath(found.Name), labels, nil); err != nil {
			j.note("The project and the tags", err)
		}
	}
	return j.addRoutes(ctx, found)
}

// form is an upload of the app. It is written while it is read.
func (j *job) form(found app.App, live app.Release, described []byte) (io.Reader, string, error) {
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	write := func() error {
		fields := [][2]string{{"name", string(found.Name)}, {"route", found.Routes[0].String()}, {"moved", string(described)}}
		if live.Reference != "" {
			fields = append(fields, [2]string{"image", string(live.Reference)})
		}
		for _, field := range fields {
			if err := form.WriteField(field[0], field[1]); err != nil {
				return err
			}
		}
		if live.Reference != "" {
			return form.Close()
		}
		archive, err := j.o.Sources.Archive(live)
		if err != nil {
			return err
		}
		defer func() { _ = archive.Close() }()
		part, err := form.CreateFormFile("archive", archive.Name)
		if err != nil {
			return err
		}
		if _, err := io.Copy(part, io.TeeReader(archive, j.count)); err != nil {
			return err
		}
		return form.Close()
	}
	go func() {
		err := write()
		if err != nil {
			err = &ownError{err}
		}
		_ = writer.CloseWithError(err)
	}()
	return reader, form.FormDataContentType(), nil
}

// addRoutes gives the app there its other routes. One that the other server refuses is a
// note: the app answers at the others.
func (j *job) addRoutes(ctx context.Context, found app.App) error {
	for _, route := range found.Routes {
		to := found.Destinations[route]
		if route == found.Routes[0] && to == (app.Destination{}) {
			continue
		}
		if err := j.addRoute(ctx, route.String(), to); err != nil {
			return err
		}
	}
	if j.move.Address == "" {
		return nil
	}
	return j.addRoute(ctx, j.move.Address, app.Destination{})
}

func (j *job) addRoute(ctx context.Context, route string, to app.Destination) error {
	wish := map[string]any{"route": route, "service": to.Service, "port": to.Port}
	err := j.there.post(ctx, appPath(j.move.App)+"/routes", wish, nil)
	if _, refused := errors.AsType[*refusal](err); refused {
		j.note("The route "+route, err)
		return nil
	}
	return err
}

// note tells of something that the other server did not take.
func (j *job) note(what string, err error) {
	message, _ := words(told("it", err))
	j.notes = append(j.notes, what+" was not taken over: "+message)
}

// verify waits until the release there is live.
func (j *job) verify(ctx context.Context, _ app.App, _ app.Release) error {
	waiting, cancel := context.WithTimeoutCause(ctx, verifyTime, problem.Conflict("The app on the other server was not ready in time.", "Look at the log of its release there."))
	defer cancel()
	for {
		var answer struct {
			Releases []struct {
				Number       int64
				State        app.ReleaseState
				Reason, Hint string
			}
		}
		err := j.there.get(waiting, appPath(j.move.App)+"/releases?limit=1", &answer)
		switch {
		case err != nil && ctx.Err() == nil && waiting.Err() != nil:
			return context.Cause(waiting)
		case err != nil:
			return told("to tell of the release", err)
		case len(answer.Releases) == 0:
			return problem.Conflict("The other server has no release of the app.", "Begin the move again.")
		}
		switch release := answer.Releases[0]; release.State {
		case app.ReleaseLive:
			return nil
		case app.ReleaseFailed, app.ReleaseCancelled, app.ReleaseSuperseded:
			return problem.Conflict(fmt.Sprintf("r%d on the other server did not become live: %s", release.Number, release.Reason), release.Hint)
		default:
			if pause.For(waiting, j.o.Pause) != nil && ctx.Err() == nil {
				return context.Cause(waiting)
			}
		}
	}
}

// redirect finds where the app answers now. From here on nothing is undone: what people do
// there would be lost.
func (j *job) redirect(ctx context.Context, found app.App, _ app.Release) error {
	if stillStopped(found) != nil {
		j.notes = append(j.notes, "Somebody has started the app here too: stop it, or both servers change their own copy.")
	}
	if !j.move.WasRunning {
		if err := j.there.post(ctx, appPath(j.move.App)+"/stop", nil, nil); err != nil {
			j.note("That the app is stopped", err)
		}
	}
	var there struct {
		URLs []string `json:"urls"`
	}
	if err := j.there.get(ctx, appPath(j.move.App), &there); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.note("The address there", told("to tell it", err))
	}
	j.move.Target = targetOf(found, j.move.Address, there.URLs)
	if j.move.Target == "" {
		j.notes = append(j.notes, "The app has no address of its own on the other server, so nothing redirects there. Let the DNS of its hosts lead to the other server.")
	}
	return nil
}

// targetOf chooses the address that routes here can lead to: never a host of the app
// itself, whose DNS leads here still.
func targetOf(found app.App, wanted string, addresses []string) (target string) {
	for _, address := range addresses {
		parsed, err := url.Parse(address)
		if err != nil {
			continue
		}
		if _, err := traefik.ParseMoved(address); err != nil {
			continue
		}
		own := slices.ContainsFunc(found.Routes, func(route traefik.Route) bool { return string(route.Host) == parsed.Hostname() })
		if wanted != "" && strings.HasSuffix(strings.TrimSuffix(address, "/"), strings.TrimSuffix(wanted, "/")) {
			return address
		}
		if !own && target == "" {
			target = address
		}
	}
	return target
}
