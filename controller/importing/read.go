package importing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/traefik"
)

// Form is the platform that the apps come from.
type Form string

// The forms that Read knows.
const (
	Compose   Form = "compose"
	Milkcrate Form = "milkcrate"
	Dokku     Form = "dokku"
	CapRover  Form = "caprover"
	Dokploy   Form = "dokploy"
	Coolify   Form = "coolify"
)

// Forms are all of them, in the order of the help.
func Forms() []Form { return []Form{Compose, Milkcrate, Dokku, CapRover, Dokploy, Coolify} }

// mostExport bounds one file of an export, in bytes.
const mostExport = 32 << 20

// Wish is what a person chooses of an import.
type Wish struct {
	Form Form
	Path string // the folder or the file of the export

	Only    []string // names of apps; empty: all
	Name    string   // of the only app
	Route   string   // of the only app
	Project string   // of a compose folder, as docker compose -p has it

	// Sources give the apps that an export has no source of a folder or an image, by name.
	Sources map[string]string
	// Data says which volume of the engine, or which folder, a volume is filled from, by the
	// volume's name in the compose file.
	Data  map[string]string
	Plain []string // names of variables that are no secrets

	// Lookup is the value of a variable of the person's own environment.
	Lookup func(name string) (string, bool)
}

// Read returns the plan of an import, with the faults of each app in it. An error is about
// the export as a whole.
func Read(wish Wish) (*Plan, error) {
	readers := map[Form]func(*Plan, Wish) error{
		Compose: readCompose, Milkcrate: readMilkcrate, Dokku: readDokku, CapRover: readCapRover, Dokploy: readDokploy, Coolify: readCoolify,
	}
	read, known := readers[wish.Form]
	if !known {
		return nil, problem.Invalid(fmt.Sprintf("%.40q is nothing to import from.", wish.Form), fmt.Sprintf("Write one of %s.", FormNames(", ")))
	}
	if wish.Lookup == nil {
		wish.Lookup = func(string) (string, bool) { return "", false }
	}
	made := &Plan{Form: wish.Form, Path: wish.Path}
	if err := read(made, wish); err != nil {
		return nil, err
	}
	if err := made.choose(wish); err != nil {
		return nil, err
	}
	made.check(wish)
	return made, nil
}

// FormNames are the names of all forms, with the text between.
func FormNames(between string) string {
	var names []string
	for _, form := range Forms() {
		names = append(names, string(form))
	}
	return strings.Join(names, between)
}

// choose keeps the apps that the person wants, under the names that the person gives.
func (p *Plan) choose(wish Wish) error {
	for _, name := range wish.Only {
		if !slices.ContainsFunc(p.Apps, func(a *App) bool { return a.Name == name || a.Was == name }) {
			return problem.Invalid(fmt.Sprintf("The export has no app %.60q.", name), fmt.Sprintf("It has %s.", p.names()))
		}
	}
	if len(wish.Only) > 0 {
		p.Apps = slices.DeleteFunc(p.Apps, func(a *App) bool {
			return !slices.Contains(wish.Only, a.Name) && !slices.Contains(wish.Only, a.Was)
		})
	}
	if len(p.Apps) == 0 {
		return problem.Invalid(fmt.Sprintf("There is no app to import in %s.", p.Path), "Check the form and the path of the import.")
	}
	if len(p.Apps) > 1 && (wish.Name != "" || wish.Route != "") {
		return problem.Invalid(fmt.Sprintf("A name or a route is of one app, and there are %d: %s.", len(p.Apps), p.names()), "Choose one with --only.")
	}
	if wish.Name != "" {
		p.Apps[0].rename(wish.Name)
	}
	if wish.Route != "" {
		p.Apps[0].Domains, p.Apps[0].Route = nil, wish.Route
	}
	for name, source := range wish.Sources {
		at := slices.IndexFunc(p.Apps, func(a *App) bool { return a.Name == name || a.Was == name })
		if at < 0 {
			return problem.Invalid(fmt.Sprintf("There is no app %.60q that a source could be of.", name), fmt.Sprintf("There are %s.", p.names()))
		}
		if err := p.Apps[at].setSource(source); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) names() string {
	var names []string
	for _, one := range p.Apps {
		names = append(names, one.Name)
	}
	return printable.List(names)
}

// rename gives the app another name, and its volumes with it.
func (a *App) rename(name string) {
	if a.Was == "" && a.Name != name {
		a.Was = a.Name
	}
	before := a.Data
	a.Name, a.Data = name, nil
	for _, data := range before {
		if data.own != "" {
			a.fill(data.own, data.From.Volume)
			continue
		}
		a.mount(data.From, data.Target, data.ReadOnly)
	}
}

// setSource takes a folder that is there, else the name of an image.
func (a *App) setSource(text string) error {
	if info, err := os.Stat(text); err == nil && info.IsDir() {
		a.Source = Source{Folder: text, Dockerfile: a.Source.Dockerfile}
		return nil
	}
	if strings.HasPrefix(text, ".") || filepath.IsAbs(text) {
		return problem.Invalid(fmt.Sprintf("There is no folder %.200q for the source of %s.", text, a.Name), "Give a folder that is there, or an image.")
	}
	a.Source = Source{Image: text}
	return nil
}

// check finds the faults that each app has by itself and beside the others, and gives each
// app the route and the volumes that it will have.
func (p *Plan) check(wish Wish) {
	names, routes := map[string]bool{}, map[string]string{}
	for _, one := range p.Apps {
		one.MarkPlain(wish.Plain)
		one.checkName()
		if names[one.Name] {
			one.Fault(fmt.Sprintf("Two apps would be called %s.", one.Name), "Import each with --only and --name.")
		}
		names[one.Name] = true
		one.checkSource()
		one.checkRoutes(wish.Route, routes)
		one.checkData(wish.Data)
	}
}

func (a *App) checkName() {
	if _, err := app.ParseName(a.Name); err != nil {
		a.FaultOf(err)
		return
	}
	if a.Was != "" {
		a.note("It was called %s.", printable.Name(a.Was, 60))
	}
}

func (a *App) checkSource() {
	if a.Source.isZero() {
		a.Fault("The export does not hold what the app is made of.", fmt.Sprintf("Add --source %s=FOLDER with a checkout of it, or --source %s=IMAGE.", a.Name, a.Name))
		return
	}
	if a.Source.Image != "" {
		if _, err := plan.ParseImageReference(a.Source.Image); err != nil {
			a.FaultOf(problem.Refused("image", err))
		}
	}
	if len(a.Source.Compose) > mostCompose {
		a.Fault(fmt.Sprintf("The compose file is longer than %d kB.", mostCompose>>10), "Write it into a folder, and import that with berth import compose.")
	}
}

// checkRoutes leaves out what cannot be a route here, and refuses what another app of the
// plan has. A route that the person gave is not left out.
func (a *App) checkRoutes(given string, taken map[string]string) {
	var routes []string
	for _, text := range append([]string{a.Route}, a.Domains...) {
		route, err := traefik.ParseRoute(text)
		switch {
		case text == "":
		case err != nil && text == given:
			a.FaultOf(problem.Refused("route", err))
		case err != nil:
			a.leave("The route %v", err)
		default:
			routes = append(routes, route.String())
		}
	}
	if len(routes) == 0 {
		routes = []string{"/" + a.Name}
	}
	a.Route, a.Domains = routes[0], routes[1:]
	for _, one := range routes {
		if other := taken[one]; other != "" {
			a.Fault(fmt.Sprintf("%s and %s would both answer at %s.", other, a.Name, one), "Import each with --only, and give one of them another --route.")
		}
		taken[one] = a.Name
	}
}

// checkData gives each volume the name that Berth knows it by.
func (a *App) checkData(given map[string]string) {
	for i := range a.Data {
		data := &a.Data[i]
		if data.own != "" {
			data.Volume = volume.OfApp(a.Name, data.own)
		}
		if from := given[data.own]; data.own != "" && from != "" {
			data.From = placeOf(from)
		}
		if from := given[string(data.Volume)]; from != "" {
			data.From = placeOf(from)
		}
		if _, err := volume.ParseName(string(data.Volume)); err != nil {
			a.FaultOf(app.VolumeProblem("volume", err))
		}
	}
}

// placeOf is a folder where the text is an absolute path of the engine's machine, else a volume.
func placeOf(text string) Place {
	if path.IsAbs(text) {
		return Place{Folder: text}
	}
	return Place{Volume: text}
}

// readFile reads a file of an export; fs.ErrNotExist where it is not there.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, mostExport+1))
	if err == nil && len(content) > mostExport {
		err = problem.Invalid(fmt.Sprintf("%s is larger than %d MB.", name, mostExport>>20), "Check that it is the file of an export.")
	}
	return content, err
}

// isFile reports whether there is a file of that name.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// isFolder reports whether there is a folder of that name.
func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// decode reads JSON, and says which file is none.
func decode(name string, content []byte, into any) error {
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(into); err != nil {
		return problem.Invalid(fmt.Sprintf("%s is not the JSON of an export.", name), "Make the export again, as docs/import.md says.").Because(err)
	}
	return nil
}

// readJSON reads a file of JSON, and reports whether it was there.
func readJSON(name string, into any) (found bool, err error) {
	content, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, decode(name, content, into)
}

// openExport reads the export's one file: the place itself, or the first of names in that folder.
func openExport(place string, names ...string) (name string, content []byte, err error) {
	for _, name := range append([]string{""}, names...) {
		if name = filepath.Join(place, name); isFile(name) {
			content, err := readFile(name)
			return name, content, err
		}
	}
	if isFolder(place) {
		return "", nil, problem.Invalid(fmt.Sprintf("The folder %s has no %s.", place, strings.Join(names, " and no ")), "Name the file, or make the export as docs/import.md says.")
	}
	return "", nil, problem.NotFound(fmt.Sprintf("There is no %s.", place), "Check the path of the import.")
}
