package importing

import (
	"encoding/json"
	"strconv"
	"strings"

	"berth/controller/dotenv"
	"berth/controller/secret"
)

// dokployExport is an answer of Dokploy's API: of a project with its environments, of one
// application, or of one compose.
type dokployExport struct {
	Name         string           `json:"name"`
	Applications []dokployApp     `json:"applications"`
	Compose      []dokployCompose `json:"compose"`
	Environments []dokployExport  `json:"environments"`

	Postgres, MySQL, MariaDB, Mongo, Redis []struct{ Name, AppName string }
}

// dokployCommon is what applications and composes have alike.
type dokployCommon struct {
	Name    string `json:"name"`
	AppName string `json:"appName"`
	Env     string `json:"env"`
	Source  string `json:"sourceType"`
	Domains []struct {
		Host    string `json:"host"`
		Path    string `json:"path"`
		Port    int    `json:"port"`
		Service string `json:"serviceName"`
	} `json:"domains"`
	Mounts []struct {
		Type       string `json:"type"`
		HostPath   string `json:"hostPath"`
		VolumeName string `json:"volumeName"`
		FilePath   string `json:"filePath"`
		MountPath  string `json:"mountPath"`
	} `json:"mounts"`

	Repository   string `json:"repository"`
	Owner        string `json:"owner"`
	Branch       string `json:"branch"`
	CustomGitURL string `json:"customGitUrl"`
	CustomBranch string `json:"customGitBranch"`
}

type dokployApp struct {
	dokployCommon
	ID          string            `json:"applicationId"`
	Image       string            `json:"dockerImage"`
	Username    string            `json:"username"`
	BuildType   string            `json:"buildType"`
	Dockerfile  string            `json:"dockerfile"`
	SPA         bool              `json:"isStaticSpa"`
	MemoryLimit string            `json:"memoryLimit"` // bytes
	CPULimit    string            `json:"cpuLimit"`    // billionths of a core
	Command     string            `json:"command"`
	Replicas    int               `json:"replicas"`
	BuildArgs   string            `json:"buildArgs"`
	Ports       []json.RawMessage `json:"ports"`
	Redirects   []json.RawMessage `json:"redirects"`
	Security    []json.RawMessage `json:"security"`
}

type dokployCompose struct {
	dokployCommon
	ID   string `json:"composeId"`
	File string `json:"composeFile"`
	Kind string `json:"composeType"`
}

// readDokploy reads answers of project.one, project.all, application.one and compose.one,
// one in a file, alone or as a list.
func readDokploy(into *Plan, wish Wish) error {
	name, content, err := openExport(wish.Path, "project.json", "projects.json", "dokploy.json")
	if err != nil {
		return err
	}
	var raw []json.RawMessage
	if json.Unmarshal(content, &raw) != nil {
		raw = []json.RawMessage{content}
	}
	for _, one := range raw {
		var kind struct{ ApplicationID, ComposeID string }
		if err := decode(name, one, &kind); err != nil {
			return err
		}
		var export dokployExport
		switch {
		case kind.ApplicationID != "":
			var app dokployApp
			err = decode(name, one, &app)
			export.Applications = []dokployApp{app}
		case kind.ComposeID != "":
			var compose dokployCompose
			err = decode(name, one, &compose)
			export.Compose = []dokployCompose{compose}
		default:
			err = decode(name, one, &export)
		}
		if err != nil {
			return err
		}
		into.addDokploy(export)
	}
	return nil
}

func (p *Plan) addDokploy(export dokployExport) {
	for _, one := range export.Applications {
		p.Apps = append(p.Apps, one.plan())
	}
	for _, one := range export.Compose {
		p.Apps = append(p.Apps, one.plan())
	}
	for _, kind := range []struct {
		name string
		all  []struct{ Name, AppName string }
	}{{"PostgreSQL", export.Postgres}, {"MySQL", export.MySQL}, {"MariaDB", export.MariaDB}, {"MongoDB", export.Mongo}, {"Redis", export.Redis}} {
		for _, one := range kind.all {
			p.leave("The %s database %s: deploy it with the app that uses it as one compose file, and restore a dump into it.", kind.name, one.Name)
		}
	}
	for _, one := range export.Environments {
		p.addDokploy(one)
	}
}

func (d dokployApp) plan() *App {
	made := d.start()
	switch {
	case d.Source == "docker":
		made.Source.Image = d.Image
		if d.Username != "" {
			made.leave("The password of its registry: Berth pulls images without one.")
		}
	case d.BuildType == "dockerfile" && d.Dockerfile != "" && d.Dockerfile != "Dockerfile":
		made.Source.Dockerfile = strings.TrimPrefix(strings.TrimPrefix(d.Dockerfile, "./"), "/")
	}
	made.Fallback = d.SPA
	for _, domain := range d.Domains {
		made.addRoutes(domain.Host + domain.Path)
		if made.Port == 0 && domain.Port != 0 {
			made.Port = domain.Port
		}
	}
	for _, mount := range d.Mounts {
		switch mount.Type {
		case "volume":
			made.mount(Place{Volume: mount.VolumeName}, mount.MountPath, false)
		case "bind":
			made.mount(Place{Folder: mount.HostPath}, mount.MountPath, false)
		default:
			made.leave("The %s mount at %s: copy the file into the image, or into a volume.", mount.Type, mount.MountPath)
		}
	}
	if bytes, err := strconv.ParseInt(d.MemoryLimit, 10, 64); err == nil && bytes > 0 {
		made.setMemoryBytes(bytes)
	}
	if nanos, err := strconv.ParseFloat(d.CPULimit, 64); err == nil {
		made.setCPU(strconv.FormatFloat(nanos/1e9, 'f', -1, 64))
	}
	for _, one := range []struct {
		is   bool
		what string
	}{
		{d.Replicas > 1, "Its further replicas: it has one instance here."},
		{d.Command != "", "Its own command: write it into the Dockerfile."},
		{d.BuildArgs != "", "Its build arguments: see --build-arg."},
		{len(d.Ports) > 0, "Its public ports: see berth ports add."},
		{len(d.Redirects) > 0, "Its redirects: see berth redirects add."},
		{len(d.Security) > 0, "Its passwords: see berth access set."},
	} {
		if one.is {
			made.leave("%s", one.what)
		}
	}
	return made
}

func (d dokployCompose) plan() *App {
	made := d.start()
	if d.Source == "raw" || d.Source == "" {
		made.Source.Compose = secret.Text(d.File)
	}
	if d.File != "" {
		made.fillComposed(d.File, func(own string) string { return d.AppName + "_" + own })
	}
	for _, domain := range d.Domains {
		switch made.Main {
		case "", domain.Service:
			made.Main = domain.Service
			made.addRoutes(domain.Host + domain.Path)
			if made.Port == 0 {
				made.Port = domain.Port
			}
		default:
			made.leave("The domain %s of the service %s: see berth routes add --service.", domain.Host, domain.Service)
		}
	}
	for _, mount := range d.Mounts {
		made.leave("The %s mount %s: write the file under configs in the compose file.", mount.Type, mount.FilePath+mount.MountPath)
	}
	if d.Kind == "stack" {
		made.note("It was a Docker Swarm stack, and is a compose app here.")
	}
	return made
}

// start is an app with what is read alike.
func (d dokployCommon) start() *App {
	made := newApp(d.Name)
	if pairs, err := dotenv.Parse(d.Env); err != nil {
		made.FaultOf(err)
	} else {
		made.setPairs(pairs)
	}
	switch {
	case d.CustomGitURL != "":
		made.note("Dokploy built it from %s, branch %s.", d.CustomGitURL, d.CustomBranch)
	case d.Repository != "":
		made.note("Dokploy built it from %s/%s, branch %s.", d.Owner, d.Repository, d.Branch)
	}
	return made
}

// setPairs takes the variables of a .env text over.
func (a *App) setPairs(pairs []dotenv.Pair) {
	values := map[string]string{}
	for _, pair := range pairs {
		values[pair.Name] = pair.Value
		if strings.Contains(pair.Value, "${{") {
			a.note("%s refers to a shared variable, which is not replaced: set it with berth env set-secret.", pair.Name)
		}
	}
	a.setVariables(values, nil)
}
