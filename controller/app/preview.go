package app

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/plan"
)

// Preview is how an archive will be built, before anything is.
type Preview struct {
	Kind       string   // what the archive was taken for, such as "Go"
	Own        string   // path of the Dockerfile that the archive brings; empty where it brings none
	Dockerfile string   // whole text of the one that Berth wrote; empty where it wrote none
	Reasons    []string // whole sentences: what was found, and what follows
	Services   []string // names, in the order in which they start

	Routes []plan.RouteWish // of single services
	Bound  []plan.Bound     // what the services mount of the archive, as image or volume

	Plan []ServicePreview // the services as they will run, in the order in which they start
	// Notes are whole sentences: what is left out or changed. Reasons holds them too.
	Notes []string

	// Asked are the variables that a template asks for and that the app lacks: what is given
	// for them later counts, and else the template's own value or a new one. Secrets have no
	// value in it.
	Asked []TemplateVariable

	RootStartForbidden bool // by the operator

	// Environment is what it was read with; it waits with the archive and is shown to
	// nobody.
	Environment []VariableWish
}

// ServicePreview is how one service will run.
type ServicePreview struct {
	Name    string
	Image   string   // to pull; empty where it is built
	Build   string   // path of its Dockerfile in the archive; empty where Berth writes it or nothing is built
	Main    bool     // the route leads to it
	Port    uint16   // that the route leads to; 0 lets the image decide
	Copies  int      // containers
	Volumes []string // name:/path of each volume
	Loosens []string // the security exceptions that it has
	// RootStart is the sign that it starts as root and drops root later, as the end of a
	// sentence; empty where there is none, or it has the right to.
	RootStart string
	Unmounted []string // paths that its image declares as volumes, and where nothing is mounted

	Uses []string // the services that it waits for, is linked to, or has an address of in a variable
	Runs plan.RestartMode
}

// Ask keeps what a template asks for, without the values of secrets.
func (p *Preview) Ask(asked []TemplateVariable) {
	for _, variable := range asked {
		if variable.Secret {
			variable.Value = ""
		}
		p.Asked = append(p.Asked, variable)
	}
}

// Line is the value for a field of one line; empty if it is longer.
func (v TemplateVariable) Line() string {
	const most = 4000
	if value := v.Value.Reveal(); len(value) <= most && !strings.ContainsAny(value, "\r\n") {
		return value
	}
	return ""
}

// Variables is how many were given for it.
func (p Preview) Variables() int { return len(p.Environment) }

// Main is the service that the route leads to; the zero value where there is none.
func (p Preview) Main() ServicePreview {
	for _, service := range p.Plan {
		if service.Main {
			return service
		}
	}
	return ServicePreview{}
}

// PreviewOf returns the plan as people read it. The mounts are the app's own, of its main
// service.
func PreviewOf(made plan.Plan, mounts ...Mount) Preview {
	preview := Preview{Notes: made.Notes, Bound: made.Bound, Routes: made.Routes}
	for _, service := range made.Services {
		preview.Services = append(preview.Services, service.Name)
		preview.Plan = append(preview.Plan, servicePreview(service, made))
		if service.Name == made.Main {
			preview.describe(service)
		}
	}
	if made.Composed {
		preview.Kind = "Compose app"
		preview.Own, preview.Dockerfile, preview.Reasons = "", "", []string{fmt.Sprintf("The route leads to %s.", made.Main)}
	}
	for _, wish := range made.Routes {
		if wish.File != "" {
			preview.Reasons = append(preview.Reasons, fmt.Sprintf("The file asks for a route: %s.", wish))
		}
	}
	preview.Reasons = append(preview.Reasons, made.Notes...)
	for i := range preview.Plan {
		service := &preview.Plan[i]
		if service.Main {
			service.Unmounted = slices.DeleteFunc(service.Unmounted, func(target string) bool { return mountedAt(mounts, target) })
		}
		preview.Reasons = append(preview.Reasons, service.foresight()...)
	}
	return preview
}

func servicePreview(service plan.Service, of plan.Plan) ServicePreview {
	made := ServicePreview{Name: service.Name, Image: service.Image, Main: service.Name == of.Main, Copies: service.Count(), Uses: usesOf(service, of.Services)}
	if service.Image == "" && service.Build.Generated == nil {
		made.Build = service.Build.Dockerfile
		if service.Build.Folder != "" {
			made.Build = service.Build.Folder + "/" + made.Build
		}
	}
	if made.Main {
		made.Port = service.Port
	}
	made.Runs = service.Restart.Mode
	for _, mount := range service.Mounts {
		made.Volumes = append(made.Volumes, mount.Volume+":"+mount.Target)
	}
	if service.Waivers.Database {
		made.Loosens = append(made.Loosens, WaiverDatabase.Label())
	}
	if service.Waivers.RootStart {
		made.Loosens = append(made.Loosens, WaiverRootStart.Label())
	}
	if !service.Waivers.RunsAsRoot() {
		made.RootStart = service.StartsAsRoot()
	}
	made.Unmounted = service.Unmounted(service.Build.Start.Volumes)
	if service.Waivers.WritableRoot {
		made.Loosens = append(made.Loosens, WaiverWritableRoot.Label())
	}
	return made
}

// usesOf returns the other services that a service talks to, as far as its file says.
func usesOf(service plan.Service, all []plan.Service) (uses []string) {
	for _, other := range all {
		waits := slices.ContainsFunc(service.DependsOn, func(d plan.Dependency) bool { return d.Service == other.Name })
		named := slices.ContainsFunc(service.Environment, func(variable string) bool {
			_, value, _ := strings.Cut(variable, "=")
			return isAddressOf(value, other.Name)
		})
		if other.Name != service.Name && (waits || named || slices.Contains(service.Links, other.Name)) {
			uses = append(uses, other.Name)
		}
	}
	return uses
}

// isAddressOf reports whether a variable has the host, alone, with a port, or in a URL.
func isAddressOf(value, host string) bool {
	_, rest, inURL := strings.Cut(value, "://")
	if !inURL {
		name, port, _ := strings.Cut(value, ":")
		return name == host && strings.Trim(port, "0123456789") == ""
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	name, _, _ := strings.Cut(authority[strings.LastIndex(authority, "@")+1:], ":")
	return name == host
}

func mountedAt(mounts []Mount, target string) bool {
	return slices.ContainsFunc(mounts, func(mount Mount) bool { return string(mount.Target) == target })
}

// foresight says what will not work or stay, as sentences.
func (s ServicePreview) foresight() []string {
	var said []string
	if s.RootStart != "" {
		said = append(said, fmt.Sprintf("%s %s, which starts as root and drops root later: it needs the security exception \"root start\".", s.Name, s.RootStart))
	}
	if len(s.Unmounted) > 0 {
		said = append(said, plan.UnmountedNote(s.Name, s.Unmounted))
	}
	return said
}

// describe says how the service that the route leads to is made.
func (p *Preview) describe(service plan.Service) {
	switch {
	case service.Build.Generated != nil:
		p.Kind = service.Build.Generated.Kind
		p.Dockerfile = service.Build.Generated.Dockerfile
		p.Reasons = service.Build.Generated.Reasons
	case service.Image != "":
		p.Kind = "Image"
		p.Reasons = []string{
			fmt.Sprintf("The image %s is run as it is.", service.Image),
			"It is pulled when it is deployed; what its registry has then is what runs, also after a restart or a rollback.",
		}
	default:
		p.Kind = "Dockerfile"
		p.Own = service.Build.Dockerfile
	}
}
