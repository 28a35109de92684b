package compose

import (
	"context"
	"errors"
	"maps"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// FileName is the file's name for the library; no such file exists.
const FileName = "compose.yaml"

// errOutside refuses to read another file.
var errOutside = errors.New("another file cannot be read from a compose file")

// nothing is a resource loader that accepts every request and fails, so that the library
// never uses its own, which opens files.
type nothing struct{}

// Accept implements loader.ResourceLoader.
func (nothing) Accept(string) bool { return true }

// Load implements loader.ResourceLoader.
func (nothing) Load(context.Context, string) (string, error) { return "", errOutside }

// Dir implements loader.ResourceLoader.
func (nothing) Dir(string) string { return "" }

// load normalises and joins checked files. It switches off every feature of the library
// that reads the disk: the library does not resolve env_file, label_file, include, extends
// and paths.
func (l *loading) load() (project *types.Project, err error) {
	defer mistyped(&err)
	details := types.ConfigDetails{WorkingDir: "/nonexistent", Environment: l.names.mapping()}
	for _, content := range l.contents() {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: FileName, Config: content})
	}
	project, err = loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName(ProjectName, true)
		o.SkipInclude = true
		o.SkipExtends = true
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
		o.ResolvePaths = false
		o.ResourceLoaders = []loader.ResourceLoader{nothing{}}
		o.Profiles = l.options.Profiles
		// The variables are replaced already.
		o.Interpolate.Substitute = func(text string, _ template.Mapping) (string, error) { return text, nil }
	})
	if err != nil {
		return nil, err
	}
	return project, mendShortVolumes(project)
}

// contents returns the files for the library. Those that define nothing in common are one,
// because the library judges all that it has so far again with each file.
func (l *loading) contents() []map[string]any {
	var all []map[string]any
	for _, s := range l.order {
		if s.extended != nil && s.content["services"] != nil {
			s.content["services"] = s.extended
		}
		if len(all) == 0 || !absorb(all[len(all)-1], s.content) {
			all = append(all, s.content)
		}
	}
	return all
}

// absorb adds what a file defines to another one; false if both define the same.
func absorb(to, from map[string]any) bool {
	for kind, value := range from {
		if to[kind] == nil {
			continue
		}
		known, isMapping := to[kind].(map[string]any)
		added, alike := value.(map[string]any)
		if !isMapping || !alike && value != nil {
			return false
		}
		for name, definition := range added {
			if other, found := known[name]; found && (definition != nil || other != nil) {
				return false
			}
		}
	}
	for kind, value := range from {
		known, _ := to[kind].(map[string]any)
		added, _ := value.(map[string]any)
		if known == nil {
			to[kind] = value
			continue
		}
		maps.Copy(known, added)
	}
	return true
}

// interpolation replaces the variables of a file, and gives values the types of their keys.
func (l *loading) interpolation() interpolation.Options {
	options := loader.ToOptions(&types.ConfigDetails{}, nil).Interpolate
	return interpolation.Options{LookupValue: l.names.lookup, TypeCastMapping: options.TypeCastMapping, Substitute: l.names.substitute}
}

// mistyped makes an error of a panic: the library asserts types before its schema checks
// them.
func mistyped(err *error) {
	if fault := recover(); fault != nil {
		*err = errors.New("a value in it has a type that its key does not take")
	}
}
