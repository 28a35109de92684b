// Package importing reads the apps of other platforms into one plan: what is taken over, what is changed, and what is left out.
package importing

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/volume"
)

// Bounds of a first deploy, which are those of its form.
const (
	mostVariables = 90
	mostValue     = 8 << 10   // bytes
	mostCompose   = 256 << 10 // bytes
)

// Plan is what an import would do. Nothing is written by making one.
type Plan struct {
	Form    Form     `json:"form"`
	Path    string   `json:"path"`
	Apps    []*App   `json:"apps"`
	LeftOut []string `json:"left_out,omitempty"` // whole sentences about what becomes no app
}

// App is one app to make. Its name and its routes are as a person wrote them until Check.
type App struct {
	Name   string `json:"name"`
	Was    string `json:"was,omitempty"` // the name on the other platform, where that is another one
	Source Source `json:"source"`
	// Route is where it answers first. Domains are further routes, which it gets once it is live.
	Route   string   `json:"route"`
	Domains []string `json:"domains,omitempty"`

	Main     string `json:"main,omitempty"` // service of a compose file that the route leads to
	Port     int    `json:"port,omitempty"` // 0: the port of the image
	Fallback bool   `json:"fallback,omitempty"`
	Limits   Limits `json:"limits"`

	Variables []Variable `json:"variables,omitempty"` // sorted by name
	Data      []Data     `json:"data,omitempty"`

	Notes   []string `json:"notes,omitempty"`    // whole sentences: what is changed
	LeftOut []string `json:"left_out,omitempty"` // whole sentences
	Faults  []Fault  `json:"faults,omitempty"`   // an app with a fault cannot be imported
}

// Source is what an app is made of: one of its fields is set.
type Source struct {
	Folder  string      `json:"folder,omitempty"`
	Image   string      `json:"image,omitempty"`
	Compose secret.Text `json:"compose,omitempty"` // the text of a compose file, which may hold passwords

	Dockerfile string   `json:"dockerfile,omitempty"` // its path in Folder; empty: the usual one
	Files      []string `json:"files,omitempty"`      // the compose files in Folder; empty: the usual one
}

// IsCompose reports whether the app is made of a compose file.
func (s Source) IsCompose() bool { return s.Compose != "" || len(s.Files) > 0 }

func (s Source) isZero() bool { return s.Folder == "" && s.Image == "" && s.Compose == "" }

// Limits are those of the app's container. Zero means Berth's own.
type Limits struct {
	MemoryMB   int64 `json:"memory_mb,omitempty"`
	CPUPercent int64 `json:"cpu_percent,omitempty"` // of one core
}

// Variable is one variable of the app. No encoding shows the value.
type Variable struct {
	Name   string      `json:"name"`
	Secret bool        `json:"secret"`
	Value  secret.Text `json:"-"`
}

// Data are files that are copied into a volume of the app. They are read, and never changed.
type Data struct {
	From   Place       `json:"from"`
	Volume volume.Name `json:"volume"`
	// Target is where a new app mounts the volume; empty where its compose file says so.
	Target   string `json:"target,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`

	own string // the volume's name in the compose file
}

// Place is where files are on the engine's machine: one of its fields is set.
type Place struct {
	Volume string `json:"volume,omitempty"` // the engine's name of a volume
	Folder string `json:"folder,omitempty"` // an absolute path
}

// String names the place.
func (p Place) String() string {
	if p.Folder != "" {
		return "folder " + p.Folder
	}
	return "volume " + p.Volume
}

// Fault is why an app cannot be imported, and what to do.
type Fault struct {
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
}

// Fault adds a fault, unless the app has it.
func (a *App) Fault(reason, hint string) {
	if fault := (Fault{reason, hint}); !slices.Contains(a.Faults, fault) {
		a.Faults = append(a.Faults, fault)
	}
}

// FaultOf adds what err says: each of its faults, else itself.
func (a *App) FaultOf(err error) {
	found, ok := err.(*problem.Problem) //nolint:errorlint // another error has no hint
	if !ok {
		a.Fault(err.Error(), "Change it, and start the import again.")
		return
	}
	for _, fault := range found.Faults {
		a.Fault(fault.Error(), fault.Hint)
	}
	if len(found.Faults) == 0 {
		a.Fault(found.Message, found.Hint)
	}
}

func (a *App) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(a.Notes, text) {
		a.Notes = append(a.Notes, text)
	}
}

func (a *App) leave(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(a.LeftOut, text) {
		a.LeftOut = append(a.LeftOut, text)
	}
}

func (p *Plan) leave(format string, args ...any) {
	p.LeftOut = append(p.LeftOut, fmt.Sprintf(format, args...))
}

// setVariables takes variables over as secrets. owned tells of a variable that the other
// platform made for itself.
func (a *App) setVariables(values map[string]string, owned func(name string) bool) {
	var empty []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		err := app.CheckVariableName(name)
		switch {
		case owned != nil && owned(name):
			a.leave("%s was the other platform's own.", name)
		case name == "PORT":
			a.takePort(value)
		case err != nil:
			a.leave("The variable %.40q: %s", name, messageOf(err))
		case value == "":
			empty = append(empty, name)
		case len(value) > mostValue:
			a.leave("%s is longer than %d kB. Set it with berth env set-secret once the app is there.", name, mostValue>>10)
		default:
			a.Variables = append(a.Variables, Variable{Name: name, Secret: true, Value: secret.Text(value)})
		}
	}
	if len(empty) > 0 {
		a.leave("Variables without a value: %s.", strings.Join(empty, ", "))
	}
	if len(a.Variables) > mostVariables {
		a.Fault(fmt.Sprintf("The app has %d variables, and %d can come with an import.", len(a.Variables), mostVariables), "Remove some, and set them with berth env import once the app is there.")
	}
}

// MarkPlain makes variables of these names plain.
func (a *App) MarkPlain(names []string) {
	for i := range a.Variables {
		if slices.Contains(names, a.Variables[i].Name) {
			a.Variables[i].Secret = false
		}
	}
}

// takePort takes the port that the app listens on from the text, unless it has one.
func (a *App) takePort(text string) {
	port, err := app.ParsePort(strings.TrimSpace(text))
	switch {
	case err != nil:
		a.leave("The port %.20q is no port.", text)
	case port != 0 && a.Port == 0:
		a.Port = int(port)
	}
}

// addRoutes takes domains over: the first is the app's route.
func (a *App) addRoutes(domains ...string) {
	for _, domain := range domains {
		domain = routeOf(domain)
		switch {
		case domain == "" || domain == a.Route || slices.Contains(a.Domains, domain):
		case a.Route == "":
			a.Route = domain
		default:
			a.Domains = append(a.Domains, domain)
		}
	}
}

// routeOf is a domain, or the address of one, as a route.
func routeOf(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	return strings.TrimSuffix(address, "/")
}

// mount has the files of the place copied into a volume that the app mounts at target.
func (a *App) mount(from Place, target string, readOnly bool) {
	if _, err := plan.ParseMountTarget(target); err != nil {
		a.FaultOf(problem.Refused("target", err))
		return
	}
	base := "data"
	if parts := strings.Split(strings.Trim(target, "/"), "/"); parts[len(parts)-1] != "" {
		base = parts[len(parts)-1]
	}
	name := nameOf(a.Name + "-" + base)
	for n := 2; slices.ContainsFunc(a.Data, func(d Data) bool { return string(d.Volume) == name }); n++ {
		name = nameOf(fmt.Sprintf("%.36s-%d", nameOf(a.Name+"-"+base), n))
	}
	a.Data = append(a.Data, Data{From: from, Volume: volume.Name(name), Target: target, ReadOnly: readOnly})
}

// fill has the volume of the engine copied into the volume that the app's compose file
// calls own.
func (a *App) fill(own, engine string) {
	a.Data = append(a.Data, Data{From: Place{Volume: engine}, own: own})
}

// nameOf makes a name for an app or a volume of any text; empty where nothing is left.
func nameOf(text string) string {
	made := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, text)
	for strings.Contains(made, "--") {
		made = strings.ReplaceAll(made, "--", "-")
	}
	return strings.Trim(fmt.Sprintf("%.40s", strings.Trim(made, "-")), "-")
}

func messageOf(err error) string {
	if found, ok := err.(*problem.Problem); ok { //nolint:errorlint // any other error is shown whole
		return found.Message
	}
	return err.Error()
}
