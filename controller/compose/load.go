package compose

import (
	"context"
	"errors"
	"fmt"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// FileName is what the library is told that the file is called; it exists nowhere.
const FileName = "compose.yaml"

// errOutside ends whatever would read another file.
var errOutside = errors.New("another file cannot be read from a compose file")

// nothing is a resource loader that takes every request and answers none, so
// that the library's own, which opens files, is never asked.
type nothing struct{}

// Accept implements loader.ResourceLoader.
func (nothing) Accept(string) bool { return true }

// Load implements loader.ResourceLoader.
func (nothing) Load(context.Context, string) (string, error) { return "", errOutside }

// Dir implements loader.ResourceLoader.
func (nothing) Dir(string) string { return "" }

// load normalises a checked file. What would make the library touch the disk is
// switched off: env_file, label_file, include and paths are not its to resolve.
func load(root *node, profiles []string, names *variables) (project *types.Project, err error) {
	defer func() {
		// The library asserts types that its schema has not checked yet.
		if fault := recover(); fault != nil {
			project, err = nil, fmt.Errorf("a value in it has a type that its key does not take")
		}
	}()
	content, _ := root.value().(map[string]any)
	details := types.ConfigDetails{
		WorkingDir:  "/nonexistent",
		ConfigFiles: []types.ConfigFile{{Filename: FileName, Config: content}},
		Environment: names.mapping(),
	}
	project, err = loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName(ProjectName, true)
		o.SkipInclude = true
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
		o.ResolvePaths = false
		o.ResourceLoaders = []loader.ResourceLoader{nothing{}}
		o.Profiles = profiles
		o.Interpolate = &interpolation.Options{
			LookupValue:     names.lookup,
			TypeCastMapping: o.Interpolate.TypeCastMapping,
			Substitute:      names.substitute,
		}
	})
	if err != nil {
		return nil, err
	}
	return project, mendShortVolumes(project)
}
