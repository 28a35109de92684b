package importing

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// capRoverExport is config-captain.json, as far as it is read.
type capRoverExport struct {
	CustomDomain string                 `json:"customDomain"` // below which each app has its own
	Apps         map[string]capRoverApp `json:"appDefinitions"`
}

type capRoverApp struct {
	NotExposed bool `json:"notExposeAsWebApp"`
	Port       int  `json:"containerHttpPort"`
	Instances  int  `json:"instanceCount"`

	Variables []struct{ Key, Value string } `json:"envVars"`
	Volumes   []struct {
		ContainerPath string `json:"containerPath"`
		VolumeName    string `json:"volumeName"`
		HostPath      string `json:"hostPath"`
		Mode          string `json:"mode"`
	} `json:"volumes"`
	Domains []struct {
		PublicDomain string `json:"publicDomain"`
	} `json:"customDomain"`
	Ports []struct {
		HostPort      int    `json:"hostPort"`
		ContainerPort int    `json:"containerPort"`
		Protocol      string `json:"protocol"`
	} `json:"ports"`

	Deployed int `json:"deployedVersion"`
	Versions []struct {
		Version int    `json:"version"`
		Image   string `json:"deployedImageName"`
	} `json:"versions"`

	Nginx    string `json:"customNginxConfig"`
	Override string `json:"serviceUpdateOverride"`
	PreFirst string `json:"preDeployFunction"`
	Redirect string `json:"redirectDomain"`
	HTTPAuth *struct {
		User string `json:"user"`
	} `json:"httpAuth"`
	Webhook *struct {
		Repo struct {
			Repo   string `json:"repo"`
			Branch string `json:"branch"`
		} `json:"repoInfo"`
	} `json:"appPushWebhook"`
}

// capRoverBuilt is the name of an image that CapRover built itself, perhaps behind the name
// of a registry.
var capRoverBuilt = regexp.MustCompile(`(^|/)img-captain-`)

// readCapRover reads the settings that CapRover keeps and backs up. Its volumes have
// captain-- before their names.
func readCapRover(into *Plan, wish Wish) error {
	name, content, err := openExport(wish.Path, "config-captain.json", "data/config-captain.json", "captain/data/config-captain.json")
	if err != nil {
		return err
	}
	var export capRoverExport
	if err := decode(name, content, &export); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(export.Apps)) {
		into.Apps = append(into.Apps, export.Apps[name].plan(name, export.CustomDomain))
	}
	into.leave("CapRover's users, registries, certificates and one-click repositories.")
	return nil
}

func (c capRoverApp) plan(name, root string) *App {
	made := newApp(name)
	made.Port = c.Port
	if made.Port == 0 && !c.NotExposed {
		made.Port = 80
		made.note("It listens on port 80, which is CapRover's default.")
	}
	c.source(made)
	for _, domain := range c.Domains {
		made.addRoutes(domain.PublicDomain)
	}
	if root != "" && !c.NotExposed {
		made.addRoutes(name + "." + root)
	}
	if c.NotExposed {
		made.note("It was no web app. Here it answers at its route, if it speaks HTTP: close it with an access rule, or deploy it with the app that uses it as one compose file.")
	}
	values := map[string]string{}
	for _, variable := range c.Variables {
		values[variable.Key] = variable.Value
		if strings.Contains(variable.Value, "srv-captain--") {
			made.note("%s names another app of CapRover's network. Apps do not reach each other here: use the other app's route, or deploy both as one compose file.", variable.Key)
		}
	}
	made.setVariables(values, nil)
	for _, volume := range c.Volumes {
		from := Place{Folder: volume.HostPath}
		if volume.VolumeName != "" {
			from = Place{Volume: "captain--" + volume.VolumeName}
		}
		made.mount(from, volume.ContainerPath, volume.Mode == "ro")
	}
	c.leftOut(made)
	return made
}

// source is the image of the deployed version, where it was pulled.
func (c capRoverApp) source(made *App) {
	for _, version := range c.Versions {
		if version.Version != c.Deployed || version.Image == "" {
			continue
		}
		if !capRoverBuilt.MatchString(version.Image) {
			made.Source.Image = version.Image
			return
		}
	}
	if c.Webhook != nil && c.Webhook.Repo.Repo != "" {
		made.note("CapRover built it from %s, branch %s.", c.Webhook.Repo.Repo, c.Webhook.Repo.Branch)
	}
}

func (c capRoverApp) leftOut(made *App) {
	if c.Instances > 1 {
		made.leave("It had %d instances, and has one here.", c.Instances)
	}
	for _, port := range c.Ports {
		protocol := port.Protocol
		if protocol == "" {
			protocol = "tcp"
		}
		made.leave("The public port %d/%s of port %d: see berth ports add.", port.HostPort, protocol, port.ContainerPort)
	}
	for _, one := range []struct {
		is   bool
		what string
	}{
		{c.Nginx != "", "Its own nginx configuration."},
		{c.Override != "", "Its override of the service."},
		{c.PreFirst != "", "Its function before a deploy."},
		{c.Redirect != "", "Its redirect of domains: see berth redirects add."},
		{c.HTTPAuth != nil, "Its password: see berth access set."},
		{c.Webhook != nil, "Its webhook: see berth webhooks set."},
	} {
		if one.is {
			made.leave("%s", one.what)
		}
	}
}

// newApp returns an app that was called so.
func newApp(was string) *App {
	made := &App{Name: nameOf(was)}
	if made.Name != was {
		made.Was = was
	}
	return made
}
