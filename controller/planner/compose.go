package planner

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
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
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

// mostContainers leaves some spare addresses in the network of one release, a /27.
const mostContainers = 24

// composer plans the services of one compose file.
type composer struct {
	ctx     context.Context //nolint:containedctx // every step may read a file; lives as long as one From
	tree    overlay
	paths   []string // of the compose files; the first says where the others' paths begin
	options plan.Options
	file    *compose.File
	notes   []string
	faults  problem.Refusals
	main    string // the main service, if that is clear
	// once are the services that another service waits for to complete.
	once map[string]bool
	// volumes are the volumes in place of paths, by path.
	volumes map[string]string
	entries []archive.Entry // of the archive, once a bind asked for them

	bound []plan.Bound // what services mount of the archive
	used  []string     // keys of the choices among options.Bound that are about some

	// Of the service that is planned now: where its files lie, and their size.
	placed      map[string]bool
	placedBytes int
}

// fromCompose plans an app from the services of the compose files at paths, the later of
// which change the first. The error holds every fault of the files.
func fromCompose(ctx context.Context, tree *archive.Tree, paths []string, o plan.Options) (plan.Plan, error) {
	c := &composer{ctx: ctx, tree: overlaid(tree, o.Texts), paths: paths, options: o}
	if err := c.read(); err != nil {
		return plan.Plan{}, err
	}
	if c.file == nil {
		return plan.Plan{}, c.faults.Err()
	}
	c.missingVariables()
	if c.file.Project == nil {
		return plan.Plan{}, c.faults.Err()
	}
	c.checkProject()
	if err := tree.Prepare(ctx, c.files()); err != nil {
		return plan.Plan{}, err
	}
	made, err := c.plan()
	if err != nil {
		return plan.Plan{}, err
	}
	if err := c.faults.Err(); err != nil {
		return plan.Plan{}, err
	}
	c.noteUnusedChoices()
	made.Bound, made.Notes = c.bound, c.allNotes()
	return made, nil
}

// plan plans all services of the file. It records faults, and returns an error only if it
// cannot go on.
func (c *composer) plan() (plan.Plan, error) {
	c.main = c.chooseMain()
	made := plan.Plan{Composed: true, Main: c.main}
	for _, name := range c.order() {
		service, err := c.service(c.file.Project.Services[name])
		if err != nil {
			return plan.Plan{}, err
		}
		made.Services = append(made.Services, service)
	}
	c.linkAll(made.Services)
	c.setPorts(made.Services)
	made.Routes = c.routes()
	return made, c.checkAll(made.Services)
}

// record keeps a fault, and returns any other error.
func (c *composer) record(err error) error {
	if err == nil {
		return nil
	}
	found := problem.RefusalsIn(err)
	if len(found) == 0 {
		return err
	}
	c.faults = append(c.faults, found...)
	return nil
}

// allVariables returns the app's variables for the file, with references to its secrets.
func (c *composer) allVariables() (map[string]string, error) {
	variables := make(map[string]string, len(c.options.Environment)+len(c.options.Secrets))
	if c.options.Dotenv {
		if err := c.readDotenv(variables); err != nil {
			return nil, err
		}
	}
	for _, variable := range c.options.Environment {
		name, value, _ := strings.Cut(variable, "=")
		if plan.RefersToSecret(value) {
			return nil, c.refuse(fmt.Sprintf("The variable %.60s holds characters of the private use area, which mean something else here.", name), "Remove the invisible characters.")
		}
		variables[name] = value
	}
	for _, name := range c.options.Secrets {
		variables[name] = plan.SecretReference(name)
	}
	return variables, nil
}

// checkProject checks the shared parts of the services.
func (c *composer) checkProject() {
	project := c.file.Project
	c.notes = append(c.notes, c.file.Notes...)
	c.noteUnread()
	c.leaveOut()
	if len(project.Services) == 0 {
		c.fault("No service of the file runs: each is in a profile that was not chosen, or asks for no copy.", "Choose a profile, or take the keys profiles and scale from the services that always run.", "services")
	}
	if len(project.Services) > mostContainers {
		c.faults = append(c.faults, c.refuseMany())
	}
	for _, name := range slices.Sorted(maps.Keys(project.Volumes)) {
		if volume := project.Volumes[name]; volume.Driver != "" && volume.Driver != "local" {
			c.fault(fmt.Sprintf("The volume %s asks for the driver %.40q.", name, volume.Driver), "Remove driver; volumes are Berth's own.", "volumes", name, "driver")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(project.Networks)) {
		switch driver := project.Networks[name].Driver; driver {
		case "", "bridge":
		case "overlay", "default":
			c.note("The network %s has the driver bridge here, not %s.", name, driver)
		default:
			c.fault(fmt.Sprintf("The network %s asks for the driver %.40q.", name, driver), "Remove driver; an app's network is Berth's own.", "networks", name, "driver")
		}
	}
	if len(project.Networks) > 1 {
		c.note("The app's services share one network; the networks of the file do not divide them.")
	}
	c.once = map[string]bool{}
	for _, service := range project.Services {
		for name, dependency := range service.DependsOn {
			if dependency.Condition == types.ServiceConditionCompletedSuccessfully {
				c.once[name] = true
			}
		}
	}
}

// leaveOut removes the services that do not run: those of other profiles, which the
// library removed already, and those of no copies.
func (c *composer) leaveOut() {
	project := c.file.Project
	for _, name := range c.file.LeftOut {
		c.note("The service %s is left out: it is in a profile that was not chosen.", name)
	}
	for _, name := range c.file.Services {
		service, enabled := project.Services[name]
		if !enabled || service.GetScale() != 0 {
			continue
		}
		c.note("The service %s is left out: the file asks for no copy of it.", name)
		delete(project.Services, name)
	}
}

// missingVariables refuses variables without a value. A service would run with an empty
// text in their place, such as an empty password.
func (c *composer) missingVariables() {
	if len(c.file.Missing) == 0 {
		return
	}
	_, beside := c.tree.Entry(c.dotenv())
	for _, missing := range c.file.Missing {
		refusal := &plan.Refusal{
			File: missing.File, Line: missing.Line, Reason: fmt.Sprintf("The variable %.60s has no value.", missing.Name),
			Hint: fmt.Sprintf("Give it a value among the app's variables. If it may be empty, write ${%.60s:-}.", missing.Name),
		}
		if missing.Why != "" {
			refusal.Reason = fmt.Sprintf("The variable %.60s has no value: %.200s.", missing.Name, strings.TrimRight(printable.Replace(missing.Why, '?'), ". "))
		}
		if beside && !c.options.Dotenv {
			refusal.Hint, refusal.Offer = fmt.Sprintf("Give it a value among the app's variables, or take the values of %s.", c.dotenv()), problem.OfferDotenv
		}
		c.faults = append(c.faults, refusal)
	}
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

// linkAll gives services their other names from links.
func (c *composer) linkAll(services []plan.Service) {
	for _, name := range c.file.Services {
		from := c.file.Project.Services[name]
		for _, link := range from.Links {
			target, alias, _ := strings.Cut(link, ":")
			at := slices.IndexFunc(services, func(s plan.Service) bool { return s.Name == target })
			if at < 0 {
				c.fault(fmt.Sprintf("The link %.60q leads to no service of the file.", link), "Link to a service of the file, or remove the link.", "services", from.Name, "links")
				continue
			}
			if own := slices.IndexFunc(services, func(s plan.Service) bool { return s.Name == from.Name }); own >= 0 {
				services[own].Links = append(services[own].Links, target)
			}
			if alias == "" || slices.Contains(services[at].Aliases, alias) {
				continue
			}
			if refusal := c.checkAnsweredName(alias, "services", from.Name, "links"); refusal != nil {
				c.faults = append(c.faults, refusal)
				continue
			}
			services[at].Aliases = append(services[at].Aliases, alias)
			slices.Sort(services[at].Aliases)
		}
	}
}

// checkAll checks every service against the policy, and looks for secrets in places where
// they would be readable.
func (c *composer) checkAll(services []plan.Service) error {
	containers := 0
	for _, service := range services {
		if containers += service.Count(); containers > mostContainers {
			c.faults = append(c.faults, c.refuseMany(service.Name))
			return nil
		}
		if err := service.Check(); err != nil {
			if refusal, ok := errors.AsType[*plan.Refusal](err); ok && refusal.File == "" {
				refusal.File, refusal.Line = c.file.Place("services", service.Name)
			}
			if err := c.record(err); err != nil {
				return err
			}
		}
		if err := c.checkOpen(service); err != nil {
			return err
		}
	}
	return nil
}

// checkOpen refuses secrets of the app in places where they would be kept in the open.
func (c *composer) checkOpen(service plan.Service) error {
	name := service.Name
	uses := c.openUses(name)
	for _, file := range service.Files {
		if !file.Private && plan.RefersToSecret(string(file.Content)) {
			c.fault("A config holds a secret of the app, and configs become part of the image.", "Write it under secrets instead of configs.", "services", name, "configs")
			return nil
		}
	}
	for _, use := range uses {
		refusal := c.refuse(fmt.Sprintf("%s of %s uses the secret %s, and would keep it in the open.", use.key, name, printable.List(use.names)),
			fmt.Sprintf("Keep %s as a plain variable, or name it under environment or secrets alone.", printable.List(use.names)), "services", name, use.key)
		refusal.Offer, refusal.Subject = problem.OfferPlain, strings.Join(use.names, ",")
		c.faults = append(c.faults, refusal)
	}
	if len(uses) > 0 {
		return nil
	}
	service.Environment, service.Files, service.Build.Keep = nil, nil, nil
	text, err := json.Marshal(service)
	if err != nil {
		return fmt.Errorf("look for secrets in %s: %w", name, err)
	}
	if plan.RefersToSecret(string(text)) {
		c.fault(fmt.Sprintf("The service %s uses a secret of the app outside environment and secrets, where it would be kept in the open.", name),
			"Name the secret under environment or secrets alone.", "services", name)
	}
	return nil
}

func (c *composer) refuseMany(service ...string) *plan.Refusal {
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
		files = append(files, c.boundFiles(service)...)
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

// fault records a refusal of the key at the path.
func (c *composer) fault(reason, hint string, path ...string) {
	c.faults = append(c.faults, c.refuse(reason, hint, path...))
}

// refuse makes a refusal of the key at the path. It shows references to secrets as the
// file has them.
func (c *composer) refuse(reason, hint string, path ...string) *plan.Refusal {
	refusal := &plan.Refusal{File: c.paths[0], Reason: asWritten(reason), Hint: asWritten(hint)}
	if c.file != nil {
		refusal.File, refusal.Line = c.file.Place(path...)
	}
	return refusal
}

// checkAnsweredName refuses a name of the internet for a service on its network. The
// proxy looks up names on that network too, so the service would take that name over.
func (c *composer) checkAnsweredName(name string, path ...string) *plan.Refusal {
	if refusal := c.checkNetworkName(name, path...); refusal != nil {
		return refusal
	}
	if !strings.Contains(name, ".") || registry.IsPrivate(strings.ToLower(name)) {
		return nil
	}
	return c.refuse(fmt.Sprintf("The name %.80q could be one of the internet, which the service would take over.", name),
		"Write it without a dot, or let it end in "+printable.List(registry.PrivateSuffixes)+".", path...)
}

// checkNetworkName refuses a name by which a service could pass for another app's
// instance, or for the platform itself.
func (c *composer) checkNetworkName(name string, path ...string) *plan.Refusal {
	const longest = 63
	lower := strings.ToLower(name)
	switch {
	case len(name) > longest || !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`).MatchString(name):
		return c.refuse(fmt.Sprintf("%.80q cannot be a name on a network.", name), "Use up to 63 letters, digits, dots, hyphens and underscores.", path...)
	case instanceName.MatchString(lower) || slices.Contains([]string{"berth", "localhost"}, lower):
		return c.refuse(fmt.Sprintf("The name %.80q is like those that Berth gives.", name), "Choose another name.", path...)
	default:
		return nil
	}
}
