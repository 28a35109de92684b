// Package plan turns a validated archive into what to build and what to run, hardened.
package plan

import (
	"context"
	"fmt"
	"strings"

	"berth/controller/archive"
	"berth/controller/problem"
)

// MainService is the name of the service that the route leads to in an app made
// from a Dockerfile.
const MainService = "main"

// defaultPort is what an app listens on when neither the operator nor its image says.
const defaultPort = 8000

// Plan is what to build and what to run for one release. It is a value that can
// be printed and compared, but for Build.Keep.
type Plan struct {
	Services []Service // in the order in which they start
	Main     string    // name of the service that the route leads to
	Composed bool      // a compose file says all of it
	// Notes are whole sentences on what a person may not expect.
	Notes []string
}

// Build is how the image of a service is made.
type Build struct {
	// Folder of the archive is the build context; empty is its top.
	Folder     string
	Dockerfile string // path in the context
	// Text is the Dockerfile where the context does not hold it; it is sent with
	// the context as Dockerfile.
	Text      string
	Target    string // stage to stop at; empty for the last
	Arguments map[string]string
	// Exposed are the TCP ports that the Dockerfile itself exposes as plain
	// numbers; its base image may expose others.
	Exposed []uint16
	// Keep says what of the archive is sent as the build context, by .dockerignore.
	Keep func(archive.Entry) bool `json:"-"`
	// Generated is set where the archive has no Dockerfile and Berth wrote one.
	Generated *Generated
	// Bases are the images that the Dockerfile begins with or copies from, in full.
	Bases []string `json:"-"`

	source string // the Dockerfile
	rules  buildRules
}

// Layout returns what the build context holds, for archive.Tree's LayoutWriter.
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

// Options is what the operator decides about an app, beside its archive.
type Options struct {
	Port        uint16 // 0 lets the image decide
	Limits      Limits
	Waivers     Waivers
	Environment []string // NAME=value
	// Fallback lets a static site answer unknown paths with its index.html, for
	// apps that route in the browser.
	Fallback bool
	// Server is the program that serves static sites, a file of this machine;
	// empty is the running one.
	Server string
	// Registries are those that the operator allows beside the public ones, as host or
	// host:port.
	Registries []string

	// What follows is for compose files alone.

	// Most is the operator's maximum, which the file's own limits stay within. A
	// field below that of Limits counts as that one.
	Most Limits
	// DatabaseServices are those that the waiver Database of Waivers holds for; none
	// means those whose image is a known database.
	DatabaseServices []string
	// ServiceWaivers go before Waivers for the services that they name.
	ServiceWaivers map[string]Waivers
	Profiles       []string
	// Secrets are the names of the app's secrets; the plan refers to their values,
	// also where Environment holds them for an app made from a Dockerfile.
	Secrets []string
}

// Refusal says why an archive cannot be deployed.
type Refusal = problem.Refusal

// Service returns the main service as it is run, without how it is built: for an
// image that is there already, that is all there is to know.
func (o Options) Service() Service {
	return Service{
		Name:        MainService,
		Port:        o.Port,
		Limits:      o.Limits,
		Waivers:     o.Waivers,
		Environment: o.Environment,
	}
}

// From reads how the app in tree is to be built and run. It returns a *Refusal,
// or an *archive.Refusal where a file of the archive cannot be read, when the
// archive is not one that can be deployed.
//
// A compose file at the top of the archive decides, also with a Dockerfile beside
// it, which is then that of one of its services.
//
// It ends with ctx: what decides may have to be searched for in all of a tar.gz.
func From(ctx context.Context, tree *archive.Tree, o Options) (Plan, error) {
	service := o.Service()
	if err := service.check(); err != nil {
		return Plan{}, err
	}
	if compose, found := findFile(tree, composeFiles); found {
		made, err := fromCompose(ctx, tree, compose, o)
		return made, besideDockerfile(tree, compose, err)
	}
	if dockerfile, found := findFile(tree, dockerfiles); found {
		return fromDockerfile(ctx, tree, dockerfile, service, o)
	}
	return fromProject(ctx, tree, service, o)
}

// ChoosePort returns the port that a service listens on: the wanted one, else
// 8000 where the image exposes it, else the lowest that it exposes, else 8000.
func ChoosePort(wanted uint16, exposed []uint16) uint16 {
	if wanted != 0 {
		return wanted
	}
	lowest := uint16(0)
	for _, port := range exposed {
		if port == defaultPort {
			return defaultPort
		}
		if port != 0 && (lowest == 0 || port < lowest) {
			lowest = port
		}
	}
	if lowest == 0 {
		return defaultPort
	}
	return lowest
}

// check refuses early what Policy would refuse once the image is built.
func (s Service) check() error {
	if _, err := s.Policy(""); err != nil {
		return err
	}
	for _, variable := range s.Environment {
		name, _, found := strings.Cut(variable, "=")
		if !found || name == "" || strings.ContainsRune(variable, 0) {
			// The value may be a secret, so only the name is shown.
			return &Refusal{
				Reason: fmt.Sprintf("%.60q is not the name of an environment variable with a value.", name),
				Hint:   "Write each variable as NAME=value.",
			}
		}
	}
	return nil
}
