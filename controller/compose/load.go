package compose

import (
	"context"
	"errors"
	"fmt"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
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

// load normalises a checked file. It switches off every feature of the library that reads
// the disk: the library does not resolve env_file, label_file, include and paths.
func load(root *node, profiles []string, names *variables) (project *types.Project, err error) {
	defer func() {
		// The library asserts types before its schema checks them.
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
