package plan

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/archive"
	"berth/controller/compose"
	"berth/controller/dockerfile"
	"berth/controller/printable"
	"berth/controller/registry"
)

// mainLabels name the service that the route leads to. A compose file can set no other
// labels of the platform.
var mainLabels = []string{"berth.main_service", "milkcrate.main_service"}

var (
	serviceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$`)
	// instanceName is the end of the names of running instances. The proxy finds apps by
	// these names, also on networks of apps.
	instanceName = regexp.MustCompile(`-r[0-9]+($|[.-])`)
)

// besides are files that other tools read together with the compose file.
var besides = []struct{ name, instead string }{
	{".env", "Paste what it holds into the app's variables."},
	{"compose.override.yaml", "What is meant for the server belongs into the one compose file."},
	{"compose.override.yml", "What is meant for the server belongs into the one compose file."},
	{"docker-compose.override.yaml", "What is meant for the server belongs into the one compose file."},
	{"docker-compose.override.yml", "What is meant for the server belongs into the one compose file."},
}

// mostContainers leaves some spare addresses in the network of one release, a /27.
const mostContainers = 24

// composer plans the services of one compose file.
type composer struct {
	ctx     context.Context //nolint:containedctx // every step may read a file; lives as long as one From
	tree    *archive.Tree
	path    string // of the compose file
	options Options
	file    *compose.File
	notes   []string
	main    string // the main service, if that is clear
	// once are the services that another service waits for to complete.
	once map[string]bool
}

// fromCompose plans an app from the services of the compose file at path.
func fromCompose(ctx context.Context, tree *archive.Tree, path string, o Options) (Plan, error) {
	c := &composer{ctx: ctx, tree: tree, path: path, options: o}
	if err := c.read(); err != nil {
		return Plan{}, err
	}
	if err := tree.Prepare(ctx, c.files()); err != nil {
		return Plan{}, err
	}
	// An unclear main service is refused further down, after errors in a single service.
	c.main, _ = c.findMain()
	made := Plan{Composed: true}
	for _, name := range c.order() {
		service, err := c.service(c.file.Project.Services[name])
		if err != nil {
			return Plan{}, err
		}
		made.Services = append(made.Services, service)
	}
	if err := c.linkAll(made.Services); err != nil {
		return Plan{}, err
	}
	var err error
	if made.Main, err = c.chooseMain(made.Services); err != nil {
		return Plan{}, err
	}
	if err := c.checkAll(made.Services); err != nil {
		return Plan{}, err
	}
	made.Notes = c.allNotes()
	return made, nil
}

// read loads the file with the app's variables, and references to its secrets.
func (c *composer) read() error {
	text, err := c.tree.ReadFile(c.ctx, c.path, compose.MaxBytes)
	if err != nil {
		return err
	}
	if refersToSecret(string(text)) {
		return c.refuse("The file holds characters of the private use area, which mean something else here.", "Remove the invisible characters.")
	}
	variables := make(map[string]string, len(c.options.Environment)+len(c.options.Secrets))
	for _, variable := range c.options.Environment {
		name, value, _ := strings.Cut(variable, "=")
		if refersToSecret(value) {
			return c.refuse(fmt.Sprintf("The variable %.60s holds characters of the private use area, which mean something else here.", name), "Remove the invisible characters.")
		}
		variables[name] = value
	}
	for _, name := range c.options.Secrets {
		variables[name] = SecretReference(name)
	}
	c.file, err = compose.Read(text, compose.Options{Variables: variables, Profiles: c.options.Profiles})
	if refusal, ok := errors.AsType[*compose.Refusal](err); ok {
		refusal.File = c.path
	}
	if err != nil {
		return err
	}
	return c.checkProject()
}

// checkProject refuses shared parts of the services that Berth does not support.
func (c *composer) checkProject() error {
	project := c.file.Project
	c.notes = append(c.notes, c.file.Notes...)
	for _, beside := range besides {
		if _, found := c.tree.Entry(beside.name); found {
			c.note("%s was not read. %s", beside.name, beside.instead)
		}
	}
	if len(project.Services) == 0 {
		return c.refuse("No service of the file is in the chosen profiles.", "Choose a profile, or take the key profiles from the services that always run.", "services")
	}
	if len(project.Services) > mostContainers {
		return c.refuseMany()
	}
	for name, volume := range project.Volumes {
		if volume.Driver != "" && volume.Driver != "local" {
			return c.refuse(fmt.Sprintf("The volume %s asks for the driver %.40q.", name, volume.Driver), "Remove driver; volumes are Berth's own.", "volumes", name, "driver")
		}
	}
	for name, network := range project.Networks {
		if network.Driver != "" && network.Driver != "bridge" {
			return c.refuse(fmt.Sprintf("The network %s asks for the driver %.40q.", name, network.Driver), "Remove driver; an app's network is Berth's own.", "networks", name, "driver")
		}
	}
	if len(project.Networks) > 1 {
		c.notes = append(c.notes, "The app's services share one network; the networks of the file do not divide them.")
	}
	c.once = map[string]bool{}
	for _, service := range project.Services {
		for name, dependency := range service.DependsOn {
			if dependency.Condition == types.ServiceConditionCompletedSuccessfully {
				c.once[name] = true
			}
		}
	}
	return nil
}

// order returns the services so that each comes after its dependencies. The file has no
// circle: the library refused it.
func (c *composer) order() []string {
	var order []string
	placed := map[string]bool{}
	var place func(name string)
	place = func(name string) {
		service, enabled := c.file.Project.Services[name]
		if !enabled || placed[name] {
			return
		}
		placed[name] = true
		for _, dependency := range slices.Sorted(maps.Keys(service.DependsOn)) {
			place(dependency)
		}
		order = append(order, name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.file.Project.Services)) {
		place(name)
	}
	return order
}

// chooseMain returns the service that the route leads to, and marks the others that get
// no port.
func (c *composer) chooseMain(services []Service) (string, error) {
	main, err := c.findMain()
	if err != nil {
		return "", err
	}
	for i := range services {
		service := &services[i]
		service.Internal = service.Name != main
		if service.Internal {
			continue
		}
		if c.options.Port != 0 {
			service.Port = c.options.Port
		}
		if service.Restart.Mode == Never {
			return "", c.refuse(fmt.Sprintf("The main service %s runs once, so nothing would answer its route.", main),
				"Take restart: \"no\" away, or label another service berth.main_service: \"true\".", "services", main, "restart")
		}
	}
	return main, nil
}

func (c *composer) findMain() (string, error) {
	var labelled, published, open []string
	project := c.file.Project
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		service := project.Services[name]
		if isMain(service.Labels) {
			labelled = append(labelled, name)
		}
		if len(service.Ports) > 0 {
			published = append(published, name)
		}
		if len(service.Ports) > 0 || len(service.Expose) > 0 {
			open = append(open, name)
		}
	}
	const label = "Add under labels of the one that answers requests: berth.main_service: \"true\"."
	switch {
	case len(labelled) == 1:
		return labelled[0], nil
	case len(labelled) > 1:
		return "", c.refuse(fmt.Sprintf("More than one service is labelled as the main one: %s.", printable.List(labelled)), "Keep the label on the one that answers requests.", "services", labelled[1], "labels")
	case len(published) == 1: // an exposed port is for the app's other services
		return published[0], nil
	case len(open) == 1:
		return open[0], nil
	case len(open) > 1:
		return "", c.refuse(fmt.Sprintf("Which service does the route lead to? %s have ports.", printable.List(open)), label, "services")
	case len(project.Services) == 1:
		return slices.Collect(maps.Keys(project.Services))[0], nil
	default:
		return "", c.refuse(fmt.Sprintf("Which service does the route lead to? None of %s has a port.", printable.List(slices.Sorted(maps.Keys(project.Services)))), label, "services")
	}
}

func isMain(labels types.Labels) bool {
	return slices.ContainsFunc(mainLabels, func(label string) bool { return strings.EqualFold(labels[label], "true") })
}

// linkAll gives services their other names from links.
func (c *composer) linkAll(services []Service) error {
	for _, from := range c.file.Project.Services {
		for _, link := range from.Links {
			target, alias, _ := strings.Cut(link, ":")
			at := slices.IndexFunc(services, func(s Service) bool { return s.Name == target })
			if at < 0 {
				return c.refuse(fmt.Sprintf("The link %.60q leads to no service of the file.", link), "Link to a service of the file, or remove the link.", "services", from.Name, "links")
			}
			if alias == "" || slices.Contains(services[at].Aliases, alias) {
				continue
			}
			if err := c.checkAnsweredName(alias, "services", from.Name, "links"); err != nil {
				return err
			}
			services[at].Aliases = append(services[at].Aliases, alias)
			slices.Sort(services[at].Aliases)
		}
	}
	return nil
}

// checkAll checks every service against the policy, and looks for secrets in places where
// they would be readable.
func (c *composer) checkAll(services []Service) error {
	containers := 0
	for _, service := range services {
		if containers += service.Count(); containers > mostContainers {
			return c.refuseMany(service.Name)
		}
		if err := service.check(); err != nil {
			if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.File == "" {
				refusal.File, refusal.Line = c.path, c.file.Line("services", service.Name)
			}
			return err
		}
		name := service.Name
		service.Environment = nil
		service.Files = slices.DeleteFunc(slices.Clone(service.Files), func(f File) bool { return f.Private })
		for i := range service.Files {
			if refersToSecret(string(service.Files[i].Content)) {
				return c.refuse("A config holds a secret of the app, and configs become part of the image.", "Write it under secrets instead of configs.", "services", name, "configs")
			}
		}
		service.Build.Keep = nil
		text, err := json.Marshal(service)
		if err != nil {
			return fmt.Errorf("look for secrets in %s: %w", name, err)
		}
		if refersToSecret(string(text)) {
			return c.refuse(fmt.Sprintf("The service %s uses a secret of the app outside environment and secrets, where it would be kept in the open.", name),
				"Name the secret under environment or secrets alone.", "services", name)
		}
	}
	return nil
}

func (c *composer) refuseMany(service ...string) *Refusal {
	return c.refuse(fmt.Sprintf("The file asks for more than %d containers, counted with their copies.", mostContainers),
		"Ask for fewer copies, or make two apps of it.", append([]string{"services"}, service...)...)
}

// files returns the files of the archive that planning the services reads. A missing or
// impossible file is refused when it is read.
func (c *composer) files() []string {
	var files []string
	add := func(name string) {
		if inArchive, err := c.archivePath(name, "The file"); err == nil {
			files = append(files, inArchive)
		}
	}
	project := c.file.Project
	for _, service := range project.Services {
		for _, file := range service.EnvFiles {
			add(file.Path)
		}
		if service.Build == nil {
			continue
		}
		file := cmp.Or(service.Build.Dockerfile, dockerfiles[0])
		for _, name := range []string{file, file + dockerfile.IgnoreFile, dockerfile.IgnoreFile} {
			add(path.Join(service.Build.Context, relative(name)))
		}
	}
	for _, config := range project.Configs {
		add(config.File)
	}
	for _, secret := range project.Secrets {
		add(secret.File)
	}
	slices.Sort(files) // the stored files do not depend on chance
	return slices.Compact(files)
}

func (c *composer) allNotes() []string {
	notes := c.notes
	if unused := c.file.Unused; len(unused) > 0 {
		notes = append(notes, fmt.Sprintf("No service gets %s: name a variable under environment of the service that needs it.", printable.List(unused)))
	}
	return notes
}

func (c *composer) note(format string, values ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, values...))
}

// refuse makes a refusal of the key at the path.
func (c *composer) refuse(reason, hint string, path ...string) *Refusal {
	refusal := &Refusal{File: c.path, Reason: reason, Hint: hint}
	if c.file != nil {
		refusal.Line = c.file.Line(path...)
	}
	return refusal
}

// checkAnsweredName refuses a name of the internet for a service on its network. The
// proxy looks up names on that network too, so the service would take that name over.
func (c *composer) checkAnsweredName(name string, path ...string) error {
	if err := c.checkNetworkName(name, path...); err != nil {
		return err
	}
	if !strings.Contains(name, ".") || registry.IsPrivate(strings.ToLower(name)) {
		return nil
	}
	return c.refuse(fmt.Sprintf("The name %.80q could be one of the internet, which the service would take over.", name),
		"Write it without a dot, or let it end in "+printable.List(registry.PrivateSuffixes)+".", path...)
}

// checkNetworkName refuses a name by which a service could pass for another app's
// instance, or for the platform itself.
func (c *composer) checkNetworkName(name string, path ...string) error {
	const longest = 63
	lower := strings.ToLower(name)
	switch {
	case len(name) > longest || !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`).MatchString(name):
		return c.refuse(fmt.Sprintf("%.80q cannot be a name on a network.", name), "Use up to 63 letters, digits, dots, hyphens and underscores.", path...)
	case instanceName.MatchString(lower) || slices.Contains([]string{"berth", "traefik", "proxy", "localhost", "broker"}, lower):
		return c.refuse(fmt.Sprintf("The name %.80q is like those that Berth gives.", name), "Choose another name.", path...)
	default:
		return nil
	}
}
