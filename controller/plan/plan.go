// Package plan says what to build and what to run for one release, and holds each service to the hardening policy.
package plan

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/problem"
	"berth/controller/recipe"
)

// MainService is the name of the service that the route leads to in an app from a
// Dockerfile.
const MainService = "main"

// Plan says what to build and what to run for one release. It is a value that can be
// printed and compared, except Build.Keep.
type Plan struct {
	Services []Service // in their order of start
	Main     string    // name of the service that the route leads to
	Composed bool      // the plan comes from a compose file
	// Routes are those that a compose file asks for, beside the app's own.
	Routes []RouteWish
	// Bound are what a compose file mounts of the archive.
	Bound []Bound
	// Notes are whole sentences on surprising effects, for a person.
	Notes []string
}

// Build says how the image of a service is made.
type Build struct {
	// Folder is the archive's folder for the build context; empty means its top.
	Folder     string
	Dockerfile string // path in the context
	// Text is the Dockerfile if the context does not hold it. It is sent with the context
	// as Dockerfile.
	Text      string
	Target    string // the last stage to build; empty means the Dockerfile's last
	Arguments map[string]string
	// Secrets are the app's secrets that steps of the build read, by name. Their values are
	// in memory alone, and in no layer of the image.
	Secrets []string
	// Exposed are the TCP ports that the Dockerfile itself exposes as plain numbers. Its
	// base image may expose others.
	Exposed []uint16
	// Keep chooses the archive's files for the build context, by .dockerignore.
	Keep func(archive.Entry) bool `json:"-"`
	// Generated is set if the archive has no Dockerfile and Berth wrote one.
	Generated *recipe.Generated
	// Bases are the images that the Dockerfile begins with or copies from, in full.
	Bases []string `json:"-"`
	// Start is how the image starts, as far as the Dockerfile says.
	Start dockerfile.Start `json:"-"`

	source string // the Dockerfile
	rules  dockerfile.Rules
}

// Layout returns the layout of the build context, for archive.Tree's LayoutWriter.
func (b Build) Layout() archive.Layout {
	layout := archive.Layout{Folder: b.Folder, Keep: b.Keep}
	if b.Generated != nil {
		layout.Below, layout.Extras = b.Generated.Below, b.Generated.Extras
	}
	if b.Text != "" {
		layout.Extras = append(layout.Extras, archive.Extra{Path: b.Dockerfile, Text: b.Text})
	}
	return layout
}

// Options are the operator's decisions about an app, beside its archive.
type Options struct {
	Port        uint16 // 0 means the port of the image
	Limits      Limits
	Waivers     Waivers
	Environment []string // NAME=value
	// BuildVariables are the variables that builds get as arguments, if their Dockerfiles
	// declare them.
	BuildVariables map[string]string
	// RootStart are the services with the waiver RootStart, by name.
	RootStart []string
	// Fallback makes a static site answer unknown paths with its index.html, for apps
	// that route in the browser.
	Fallback bool
	// Server is the file of the program that serves static sites; empty means the running
	// program.
	Server string
	// Registries are registries that the operator allows beside the public ones, as host
	// or host:port.
	Registries []string

	// The following fields are for compose files only.

	// PublicPorts says that the operator allows public ports beside HTTP and HTTPS.
	PublicPorts bool

	// Most is the operator's maximum for the file's own limits. A field below the same
	// field of Limits counts as that of Limits.
	Most Limits
	// DatabaseServices are the services that the waiver Database of Waivers applies to;
	// none means the services with a known database image.
	DatabaseServices []string
	// ServiceWaivers replace Waivers for the services that they name.
	ServiceWaivers map[string]Waivers
	Profiles       []string
	// Compose are the compose files of the archive, as "docker compose -f" takes them: the
	// later ones change the first. None means that Berth looks for one.
	Compose []string
	// Texts are files beside those of the archive, or in their place, by path. They are for
	// planning alone: no build gets them. A text that refers to a secret exists only in memory.
	Texts map[string][]byte
	// Main is the service that the route leads to; empty means the most likely one.
	Main string
	// Volumes makes volumes of the app in place of data folders of the host. Nothing of
	// the host is taken over.
	Volumes bool
	// Bound says what files and folders of the archive become that services mount, by
	// BoundKey; the planner chooses for the others.
	Bound map[string]BoundAs
	// Dotenv takes the values of the archive's .env for variables that the app lacks.
	Dotenv bool
	// Secrets are the names of the app's secrets. The plan refers to their values, even
	// if Environment holds the values for an app from a Dockerfile.
	Secrets []string
}

// Refusal says why an archive cannot be deployed.
type Refusal = problem.Refusal

// Service returns the main service as it runs, without its build. For an existing image,
// that is all.
func (o Options) Service() Service {
	return Service{
		Name:        MainService,
		Port:        o.Port,
		Limits:      o.Limits,
		Waivers:     o.WaiversOf(MainService),
		Environment: o.Environment,
	}
}

// WaiversOf are those of a service, by its name. In a compose app, Database applies only
// where IsDatabase says so.
func (o Options) WaiversOf(service string) Waivers {
	if waivers, named := o.ServiceWaivers[service]; named {
		return waivers
	}
	waivers := o.Waivers
	waivers.RootStart = slices.Contains(o.RootStart, service)
	return waivers
}

// Check refuses early what Policy would refuse after the build.
func (s Service) Check() error {
	if _, err := s.Policy(""); err != nil {
		return err
	}
	for _, variable := range s.Environment {
		name, _, found := strings.Cut(variable, "=")
		if !found || name == "" || strings.ContainsRune(variable, 0) {
			// The value may be a secret, so the refusal shows only the name.
			return &Refusal{
				Reason: fmt.Sprintf("%.60q is not the name of an environment variable with a value.", name),
				Hint:   "Write each variable as NAME=value.",
			}
		}
	}
	return nil
}
