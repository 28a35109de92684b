package importing

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
	"berth/controller/secret"
)

// coolifyResource is an application or a service as Coolify's API shows it, as far as it
// is read.
type coolifyResource struct {
	UUID      string `json:"uuid"`
	Name      string `json:"name"`
	FQDN      string `json:"fqdn"` // addresses with commas between
	BuildPack string `json:"build_pack"`
	Exposes   string `json:"ports_exposes"`
	Mappings  string `json:"ports_mappings"`

	Image      string `json:"docker_registry_image_name"`
	Tag        string `json:"docker_registry_image_tag"`
	Repository string `json:"git_repository"`
	Branch     string `json:"git_branch"`
	Dockerfile string `json:"dockerfile_location"`
	Compose    string `json:"docker_compose_raw"`

	ComposeDomains string `json:"docker_compose_domains"` // JSON: {"web": {"domain": "https://..."}}
	SPA            bool   `json:"is_spa"`

	Memory string `json:"limits_memory"`
	CPU    string `json:"limits_cpus"`

	Start    string `json:"start_command"`
	Pre      string `json:"pre_deployment_command"`
	Post     string `json:"post_deployment_command"`
	Redirect string `json:"redirect"`
	Auth     bool   `json:"is_http_basic_auth_enabled"`

	Applications []struct { // of a service
		Name string `json:"name"`
		FQDN string `json:"fqdn"`
	} `json:"applications"`
}

type coolifyVariable struct {
	Key     string  `json:"key"`
	Value   *string `json:"value"` // null where the token may not read it
	Real    *string `json:"real_value"`
	Preview bool    `json:"is_preview"`
}

type coolifyStorages struct {
	Volumes []struct {
		Name      string `json:"name"`
		MountPath string `json:"mount_path"`
		HostPath  string `json:"host_path"`
	} `json:"persistent_storages"`
	Files []struct {
		MountPath string `json:"mount_path"`
	} `json:"file_storages"`
}

// readCoolify reads a folder with answers of Coolify's API: applications.json,
// services.json, and for each of them UUID-envs.json and UUID-storages.json.
func readCoolify(into *Plan, wish Wish) error {
	folder, names := wish.Path, []string{"applications.json", "services.json"}
	if isFile(folder) {
		folder, names = filepath.Dir(folder), []string{filepath.Base(folder)}
	}
	read := false
	for _, name := range names {
		resources, found, err := readResources(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		read = read || found
		for _, resource := range resources {
			made, err := resource.plan(folder)
			if err != nil {
				return err
			}
			into.Apps = append(into.Apps, made)
		}
	}
	if !read {
		return problem.NotFound("There is no applications.json and no services.json in "+wish.Path+".", "Make the export as docs/import.md says.")
	}
	into.leave("Coolify's servers, teams, keys, scheduled tasks and databases of their own: restore a dump of a database into one that is deployed with its app.")
	return nil
}

// readResources reads one resource, or a list.
func readResources(name string) (all []coolifyResource, found bool, err error) {
	var raw json.RawMessage
	if found, err = readJSON(name, &raw); err != nil || !found {
		return nil, found, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(raw)), "[") {
		err = decode(name, raw, &all)
		return all, true, err
	}
	var one coolifyResource
	err = decode(name, raw, &one)
	return []coolifyResource{one}, true, err
}

func (c coolifyResource) plan(folder string) (*App, error) {
	made := newApp(c.Name)
	c.source(made)
	for address := range strings.SplitSeq(c.FQDN, ",") {
		made.addRoutes(withoutPort(routeOf(address)))
	}
	c.composeRoutes(made)
	if first, _, _ := strings.Cut(c.Exposes, ","); first != "" && !c.isCompose() {
		made.takePort(first)
	}
	made.setMemory(c.Memory)
	made.setCPU(c.CPU)
	made.Fallback = c.SPA
	if err := c.variables(made, folder); err != nil {
		return nil, err
	}
	if err := c.storages(made, folder); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		is   bool
		what string
	}{
		{c.Mappings != "", "Its public ports: see berth ports add."},
		{c.Start != "", "Its start command: write it into the Dockerfile."},
		{c.Pre != "" || c.Post != "", "Its commands before and after a deploy."},
		{c.Redirect == "www" || c.Redirect == "non-www", "Its redirect between www and the bare domain: see berth redirects add."},
		{c.Auth, "Its password: see berth access set."},
	} {
		if one.is {
			made.leave("%s", one.what)
		}
	}
	return made, nil
}

func (c coolifyResource) isCompose() bool { return c.Compose != "" }

func (c coolifyResource) source(made *App) {
	switch {
	case c.isCompose() && (c.BuildPack == "" || c.Repository == ""):
		made.Source.Compose = secret.Text(c.Compose)
	case c.BuildPack == "dockerimage" && c.Image != "":
		made.Source.Image = c.Image
		if c.Tag != "" {
			made.Source.Image += ":" + c.Tag
		}
	default:
		made.Source.Dockerfile = strings.TrimPrefix(c.Dockerfile, "/")
		if made.Source.Dockerfile == "Dockerfile" || c.BuildPack != "dockerfile" {
			made.Source.Dockerfile = ""
		}
		if c.Repository != "" {
			made.note("Coolify built it from %s, branch %s.", c.Repository, c.Branch)
		}
	}
	if c.isCompose() {
		made.fillComposed(c.Compose, func(own string) string { return c.UUID + "_" + nameOf(own) })
	}
}

// composeRoutes takes the domains of single services: the first one has the app's route.
func (c coolifyResource) composeRoutes(made *App) {
	take := func(service, address string) {
		for one := range strings.SplitSeq(address, ",") {
			switch one = routeOf(one); {
			case one == "":
			case made.Main == "" || made.Main == service:
				made.Main = service
				made.addRoutes(withoutPort(one))
			default:
				made.leave("The domain %s of the service %s: see berth routes add --service.", one, service)
			}
		}
	}
	for _, one := range c.Applications {
		take(one.Name, one.FQDN)
	}
	var domains map[string]struct {
		Domain string `json:"domain"`
	}
	if c.ComposeDomains != "" && json.Unmarshal([]byte(c.ComposeDomains), &domains) == nil {
		for _, service := range slices.Sorted(maps.Keys(domains)) {
			take(service, domains[service].Domain)
		}
	}
}

// variables reads those of UUID-envs.json. A null is a value that the token may not read.
func (c coolifyResource) variables(made *App, folder string) error {
	var all []coolifyVariable
	name := c.UUID + "-envs.json"
	found, err := readJSON(filepath.Join(folder, name), &all)
	if err != nil {
		return err
	}
	if !found {
		made.leave("Its variables: there is no %s.", name)
		return nil
	}
	values, hidden := map[string]string{}, []string(nil)
	for _, one := range all {
		value := one.Real
		if value == nil {
			value = one.Value
		}
		switch {
		case one.Preview:
		case value == nil:
			hidden = append(hidden, one.Key)
		default:
			values[one.Key] = unquoted(*value)
		}
	}
	if len(hidden) > 0 {
		made.Fault("The export has no values of "+strings.Join(hidden, ", ")+".", "Make it with a token that has the permission read:sensitive.")
	}
	made.setVariables(values, func(name string) bool { return !c.isCompose() && coolifysOwn.MatchString(name) })
	return nil
}

// coolifysOwn are variables that Coolify makes for an application; a compose file may ask
// for those of its services.
var coolifysOwn = regexp.MustCompile(`^(COOLIFY_|SERVICE_(FQDN|URL|NAME)_|NIXPACKS_|SOURCE_COMMIT$)`)

// unquoted takes off the quotes that real_value has around a value of several lines or a
// literal one.
func unquoted(text string) string {
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return text[1 : len(text)-1]
	}
	return text
}

func (c coolifyResource) storages(made *App, folder string) error {
	var all coolifyStorages
	if _, err := readJSON(filepath.Join(folder, c.UUID+"-storages.json"), &all); err != nil {
		return err
	}
	for _, one := range all.Volumes {
		switch {
		case c.isCompose(): // the file has them
		case one.HostPath != "":
			made.mount(Place{Folder: one.HostPath}, one.MountPath, false)
		default:
			made.mount(Place{Volume: one.Name}, one.MountPath, false)
		}
	}
	for _, one := range all.Files {
		made.leave("The file at %s: copy it into the image, or into a volume.", one.MountPath)
	}
	return nil
}

// withoutPort is a route without the port of the container, which Coolify writes behind the host.
func withoutPort(route string) string {
	host, path, _ := strings.Cut(route, "/")
	host, _, _ = strings.Cut(host, ":")
	if path != "" {
		return host + "/" + path
	}
	return host
}
