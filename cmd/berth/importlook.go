package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/docker/foreign"
	"berth/controller/importing"
	"berth/controller/problem"
)

// nobody is the user that an image runs as which is root's, unless it has a security exception.
const nobody = 65534

// importWork is an import on its way.
type importWork struct {
	program *program
	api     *client
	wish    importWish
	plan    *importing.Plan
	steps   []*importStep
	files   *foreign.Reader // of the engine here; nil where nothing is copied
}

// importStep is what is left to do for one app.
type importStep struct {
	app     *importing.App
	there   *thereAnswer // the app of that name that the server has; nil: none
	preview previewAnswer
	data    []*dataStep
	domains []string // routes to add once it is live
}

// dataStep is what becomes of one volume.
type dataStep struct {
	importing.Data
	Users []string // containers that run with it
	Kept  bool     // the volume holds files, which stay
	Empty bool     // nothing is copied into it
	Root  int      // who gets the files of root; 0: root
}

// thereAnswer is an app that the server has.
type thereAnswer struct {
	Name     string   `json:"name"`
	Release  int64    `json:"release"`
	Routes   []string `json:"routes"`
	UnderWay *int64   `json:"under_way"`
}

func (s *importStep) name() app.Name { return app.Name(s.app.Name) }

// deploys reports whether the app is deployed: a live one of that name is left as it is.
func (s *importStep) deploys() bool { return s.there == nil || s.there.Release == 0 }

func (w *importWork) close() {
	if w.files != nil {
		_ = w.files.Close()
	}
}

// hasWork reports whether there is anything to do.
func (w *importWork) hasWork() bool {
	return slices.ContainsFunc(w.steps, func(s *importStep) bool { return s.deploys() || len(s.domains) > 0 })
}

// look asks the server and the engine what is there already, and what the server would make
// of each app. It changes nothing; what is in the way becomes a fault of the app.
func (w *importWork) look(ctx context.Context) error {
	var there struct{ Apps []thereAnswer }
	if err := w.api.find(ctx, "/api/v1/apps", &there); err != nil {
		return err
	}
	for _, one := range w.plan.Apps {
		step := &importStep{app: one}
		w.steps = append(w.steps, step)
		step.compare(there.Apps)
		if !step.deploys() {
			continue
		}
		if err := w.check(ctx, step); err != nil {
			return err
		}
		if err := w.lookAtData(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// compare finds the app of that name, and who has its routes.
func (s *importStep) compare(there []thereAnswer) {
	routes := map[string]string{}
	for i, other := range there {
		if other.Name == s.app.Name {
			s.there = &there[i]
		}
		for _, route := range other.Routes {
			routes[route] = other.Name
		}
	}
	if s.there != nil && s.there.UnderWay != nil {
		s.app.Fault(fmt.Sprintf("A release of %s is under way.", s.app.Name), "Wait for its end, and start the import again.")
	}
	ours := s.there == nil || slices.Contains(s.there.Routes, s.app.Route)
	if other := routes[s.app.Route]; s.there == nil && other != "" {
		s.app.Fault(fmt.Sprintf("The app %s answers at %s already.", other, s.app.Route), fmt.Sprintf("Import it with --only %s --route ROUTE, or take the route from %s.", s.app.Name, other))
	}
	for _, domain := range s.app.Domains {
		switch other := routes[domain]; {
		case other == s.app.Name || !ours:
		case other != "":
			s.app.Fault(fmt.Sprintf("The app %s answers at %s already.", other, domain), fmt.Sprintf("Take the route from it: berth routes remove %s %s.", other, domain))
		default:
			s.domains = append(s.domains, domain)
		}
	}
}

// check asks the server how it would build the app. Of an image there is nothing to say
// that the plan does not.
func (w *importWork) check(ctx context.Context, step *importStep) error {
	if len(step.app.Faults) > 0 || step.app.Source.Image != "" {
		return nil
	}
	upload, err := step.open(ctx)
	if err != nil {
		return err
	}
	upload.progress = newProgress(w.program.stderr, upload.bytes)
	step.preview, err = w.api.check(ctx, step.wish(w.wish.choices), upload)
	err = errors.Join(err, upload.close())
	switch problem.KindOf(err) {
	case problem.KindInvalid, problem.KindConflict, problem.KindTooLarge:
		found, _ := errors.AsType[*problem.Problem](err)
		step.app.FaultOf(found)
		return nil
	default:
		return err
	}
}

// wish is the deploy of the app, with all that it has from its first start on.
func (s *importStep) wish(choices [][2]string) deployWish {
	fields := [][2]string{}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, value})
		}
	}
	number := func(name string, value int64) {
		if value != 0 {
			add(name, strconv.FormatInt(value, 10))
		}
	}
	add("main", s.app.Main)
	number("port", int64(s.app.Port))
	number("memory", s.app.Limits.MemoryMB)
	number("cpu", s.app.Limits.CPUPercent)
	add("compose", strings.Join(s.app.Source.Files, ","))
	add("mounts", s.mounts())
	for _, variable := range s.app.Variables {
		fields = append(fields, [2]string{"value_" + variable.Name, variable.Value.Reveal()})
	}
	return deployWish{name: s.name(), route: s.app.Route, fallback: s.app.Fallback, choices: append(fields, choices...)}
}

// mounts are the volumes of an app without a compose file, as the API takes them.
func (s *importStep) mounts() string {
	type mount struct {
		Volume   string `json:"volume"`
		Target   string `json:"target"`
		ReadOnly bool   `json:"read_only"`
	}
	var all []mount
	for _, data := range s.app.Data {
		if data.Target != "" {
			all = append(all, mount{string(data.Volume), data.Target, data.ReadOnly})
		}
	}
	if len(all) == 0 {
		return ""
	}
	text, _ := json.Marshal(all) // of texts and booleans
	return string(text)
}

// lookAtData finds what is copied into each volume of the app. A volume of the compose file
// that no service mounts is left out.
func (w *importWork) lookAtData(ctx context.Context, step *importStep) error {
	if len(step.app.Faults) > 0 {
		return nil
	}
	for _, data := range step.app.Data {
		one := &dataStep{Data: data, Empty: w.wish.noData}
		if data.Target == "" {
			mounted, asRoot := step.mountsOwn(string(data.Volume))
			if !mounted {
				continue
			}
			if !asRoot { // the server gives an app's own volumes over, and leaves those of a compose file alone
				one.Root = nobody
			}
		}
		step.data = append(step.data, one)
		if err := w.lookAtVolume(ctx, one); err != nil {
			return err
		}
		if one.Empty || one.Kept {
			continue
		}
		if err := w.lookAtSource(ctx, step, one); err != nil {
			return err
		}
	}
	return nil
}

// mountsOwn reports whether a service of the compose file mounts the volume, by Berth's name,
// and whether one of those begins as root.
func (s *importStep) mountsOwn(name string) (mounted, asRoot bool) {
	for _, service := range s.preview.Plan.Services {
		if !slices.ContainsFunc(service.Volumes, func(volume string) bool {
			own, _, _ := strings.Cut(volume, ":")
			return s.app.Name+"_"+own == name
		}) {
			continue
		}
		mounted = true
		asRoot = asRoot || slices.Contains(service.Loosens, app.WaiverDatabase.Label()) || slices.Contains(service.Loosens, app.WaiverRootStart.Label())
	}
	return mounted, asRoot
}

// lookAtVolume finds whether Berth has the volume with files in it.
func (w *importWork) lookAtVolume(ctx context.Context, data *dataStep) error {
	var listing struct{ Entries []json.RawMessage }
	err := w.api.find(ctx, volumeFile(string(data.Volume), ""), &listing)
	if problem.KindOf(err) == problem.KindNotFound {
		return nil
	}
	data.Kept = err == nil && len(listing.Entries) > 0 && !w.wish.again
	return err
}

// lookAtSource finds whether the engine here has what is copied.
func (w *importWork) lookAtSource(ctx context.Context, step *importStep, data *dataStep) error {
	var err error
	if w.files == nil {
		if w.files, err = foreign.Open(w.program.variable("DOCKER_HOST")); err != nil {
			return &usageError{err}
		}
	}
	data.Users, err = w.files.Look(ctx, foreign.Place(data.From))
	switch {
	case errors.Is(err, foreign.ErrMissing):
		step.app.Fault(
			fmt.Sprintf("The engine here has no %s, which the volume %s is to be a copy of.", data.From, data.Volume),
			fmt.Sprintf("Give another one with --data %s=VOLUME or --data %s=/PATH, or copy nothing with --no-data. Of a compose folder, --project names the project.", data.Volume, data.Volume),
		)
		return nil
	case err != nil:
		return problem.Unavailable("The volumes of "+step.app.Name+" cannot be read.", "Run the import on the machine where they are, as somebody who may use Docker; or copy nothing with --no-data.").Because(err)
	default:
		return nil
	}
}

// copyData fills a volume with the files of its source.
func (w *importWork) copyData(ctx context.Context, data *dataStep) error {
	switch {
	case data.Kept, data.Empty && data.Target == "": // a compose file's volume is made by its deploy
		return nil
	case data.Empty:
		_, err := w.api.ask(ctx, http.MethodPost, "/api/v1/volumes", map[string]any{"name": data.Volume})
		if problem.KindOf(err) == problem.KindConflict {
			return nil
		}
		return err
	}
	_, _ = fmt.Fprintf(w.program.stderr, "Copying %s into the volume %s.\n", data.From, data.Volume)
	address := volumePath(string(data.Volume)) + "/tar"
	if w.wish.again {
		address += "?way=replace"
	}
	return w.api.patiently(ctx, func() error {
		stream, err := w.files.Tar(ctx, foreign.Place(data.From), data.Root)
		if err != nil {
			return err
		}
		return errors.Join(w.api.put(ctx, address, tarMedia, stream, -1), stream.Close())
	})
}
