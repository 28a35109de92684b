package importing

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	composeenv "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"gopkg.in/yaml.v3"

	"berth/controller/problem"
)

// The files that Docker Compose looks for, the first one wins. Of both lists, it reads one.
var (
	composeNames  = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}
	overrideNames = []string{"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"}
)

// readCompose reads a folder that Docker Compose runs, with the names that it gives to
// volumes: those of the project, which is named by -p, COMPOSE_PROJECT_NAME, the file's
// name, or the folder.
func readCompose(into *Plan, wish Wish) error {
	folder, err := filepath.Abs(wish.Path)
	if err != nil {
		return err
	}
	var files []string
	if isFile(folder) {
		folder, files = filepath.Dir(folder), []string{filepath.Base(folder)}
	}
	if !isFolder(folder) {
		return problem.NotFound(fmt.Sprintf("There is no folder %s.", wish.Path), "Give the folder of the compose file.")
	}
	made := &App{Source: Source{Folder: folder}}
	values, err := readDotenv(filepath.Join(folder, ".env"))
	if err != nil {
		return err
	}
	lookup := func(name string) (string, bool) {
		if value, found := wish.Lookup(name); found { // it wins over the file, as Docker Compose has it
			return value, true
		}
		value, found := values[name]
		return value, found
	}
	if len(files) == 0 {
		files = composeFiles(folder, lookup)
	}
	if len(files) == 0 {
		return problem.Invalid(fmt.Sprintf("The folder %s has no compose file.", wish.Path), fmt.Sprintf("It is called one of %s; or give the path of the file itself.", strings.Join(composeNames, ", ")))
	}
	made.Source.Files = files
	all := composed{volumes: map[string]volumeKeys{}, referenced: map[string]bool{}}
	for _, name := range files {
		content, err := readFile(filepath.Join(folder, name))
		if err != nil {
			return problem.Invalid(fmt.Sprintf("The compose file %s cannot be read.", name), "COMPOSE_FILE in .env names files of the folder, with colons between.").Because(err)
		}
		if err := all.read(name, content); err != nil {
			return err
		}
	}
	project := all.project(wish.Project, folder, lookup)
	made.Name, made.Was = nameOf(project), project
	if made.Name == project {
		made.Was = ""
	}
	made.setComposeVariables(all, values, wish.Lookup)
	for _, own := range slices.Sorted(maps.Keys(all.volumes)) {
		made.fill(own, all.volumes[own].engineName(project, own, lookup))
	}
	into.Apps = append(into.Apps, made)
	return nil
}

// composeFiles are those that Docker Compose would read, from the folder.
func composeFiles(folder string, lookup func(string) (string, bool)) []string {
	if named, _ := lookup("COMPOSE_FILE"); named != "" {
		separator := ":"
		if other, _ := lookup("COMPOSE_PATH_SEPARATOR"); other != "" {
			separator = other
		}
		return strings.Split(named, separator)
	}
	var files []string
	for _, names := range [][]string{composeNames, overrideNames} {
		at := slices.IndexFunc(names, func(name string) bool { return isFile(filepath.Join(folder, name)) })
		if at < 0 {
			break
		}
		files = append(files, names[at])
	}
	return files
}

// readDotenv reads a .env file as Docker Compose does. The error quotes nothing of it.
func readDotenv(name string) (map[string]string, error) {
	content, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	values, err := composeenv.UnmarshalBytesWithLookup(content, nil)
	if err != nil {
		return nil, problem.Invalid(fmt.Sprintf("%s cannot be read as Docker Compose reads it.", name), "Try docker compose config in that folder: it says which line is wrong.")
	}
	return values, nil
}

// composed is what compose files say together that matters here.
type composed struct {
	name       string
	volumes    map[string]volumeKeys // by the name in the file
	referenced map[string]bool       // variables that the files name
}

type volumeKeys struct {
	name     string // empty: that of the project
	external bool
}

// read adds one file.
func (c *composed) read(name string, text []byte) error {
	var file struct {
		Name    string               `yaml:"name"`
		Volumes map[string]yaml.Node `yaml:"volumes"`
	}
	var whole map[string]any
	if err := errors.Join(yaml.Unmarshal(text, &file), yaml.Unmarshal(text, &whole)); err != nil {
		return problem.Invalid(fmt.Sprintf("%s is no compose file.", name), "Try docker compose config: it says which line is wrong.").Because(err)
	}
	if file.Name != "" {
		c.name = file.Name
	}
	for own, node := range file.Volumes {
		known := c.volumes[own]
		var keys struct {
			Name     string    `yaml:"name"`
			External yaml.Node `yaml:"external"`
		}
		if node.Kind == yaml.MappingNode && node.Decode(&keys) == nil {
			known.merge(keys.Name, keys.External)
		}
		c.volumes[own] = known
	}
	for variable := range template.ExtractVariables(whole, nil) {
		c.referenced[variable] = true
	}
	return nil
}

// merge takes what one file says: external is true, or a mapping with the name.
func (v *volumeKeys) merge(name string, external yaml.Node) {
	var old struct {
		Name string `yaml:"name"`
	}
	if external.Kind == yaml.MappingNode && external.Decode(&old) == nil {
		v.external = true
		name = old.Name
	}
	if external.Kind == yaml.ScalarNode && external.Value == "true" {
		v.external = true
	}
	if name != "" {
		v.name = name
	}
}

// engineName is what the engine calls the volume.
func (v volumeKeys) engineName(project, own string, lookup func(string) (string, bool)) string {
	name := v.name
	if replaced, err := template.SubstituteWithOptions(name, template.Mapping(lookup), template.WithoutLogging); err == nil {
		name = replaced
	}
	switch {
	case name != "":
		return name
	case v.external:
		return own
	default:
		return project + "_" + own
	}
}

// project is the project's name.
func (c *composed) project(given, folder string, lookup func(string) (string, bool)) string {
	name, err := template.SubstituteWithOptions(c.name, template.Mapping(lookup), template.WithoutLogging)
	if err != nil {
		name = ""
	}
	if set, _ := lookup("COMPOSE_PROJECT_NAME"); set != "" {
		name = set
	}
	if given != "" {
		name = given
	}
	if name == "" {
		name = filepath.Base(folder)
	}
	return loader.NormalizeProjectName(name)
}

// setComposeVariables takes the variables that the files name: Docker Compose gives no
// other one of .env to a container.
func (a *App) setComposeVariables(c composed, values map[string]string, own func(string) (string, bool)) {
	taken := map[string]string{}
	var unused, foreign, missing []string
	for name := range c.referenced {
		value, found := values[name]
		if mine, set := own(name); set {
			value, found = mine, true
			foreign = append(foreign, name)
		}
		if !found {
			missing = append(missing, name)
			continue
		}
		taken[name] = value
	}
	for name := range values {
		if !c.referenced[name] && !strings.HasPrefix(name, "COMPOSE_") {
			unused = append(unused, name)
		}
	}
	a.setVariables(taken, nil)
	say := func(tell func(string, ...any), format string, names []string) {
		if len(names) > 0 {
			slices.Sort(names)
			tell(format, strings.Join(names, ", "))
		}
	}
	say(a.note, "Taken from your environment: %s.", foreign)
	say(a.note, "Without a value in .env: %s. The compose file's own defaults count.", missing)
	say(a.leave, "Variables of .env that the compose file does not name: %s.", unused)
}

// fillComposed fills the volumes of a compose file that is not in a folder, from volumes of
// the engine that name tells, by the names in the file.
func (a *App) fillComposed(text string, engine func(own string) string) {
	all := composed{volumes: map[string]volumeKeys{}, referenced: map[string]bool{}}
	if err := all.read("The compose file", []byte(text)); err != nil {
		a.FaultOf(err)
		return
	}
	for _, own := range slices.Sorted(maps.Keys(all.volumes)) {
		name := all.volumes[own].name
		if name == "" {
			name = engine(own)
		}
		a.fill(own, name)
	}
}
