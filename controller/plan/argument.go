package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/dockerfile"
)

// proxyArguments are the arguments that the build program leaves out of its cache key, in
// any case of their letters: every app would share the result.
var proxyArguments = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// SteersBuilder reports whether an argument of that name steers the build program itself:
// BUILDKIT_SYNTAX replaces it by another program.
func SteersBuilder(name string) bool { return strings.HasPrefix(strings.ToUpper(name), "BUILDKIT_") }

// ChoosesProxy reports whether an argument of that name leads the build through a proxy
// that its cache does not know of.
func ChoosesProxy(name string) bool { return slices.Contains(proxyArguments, strings.ToUpper(name)) }

// argumentsFor adds those of the variables that the Dockerfile declares with ARG. What the
// build says itself stays.
func (b *Build) argumentsFor(text []byte, variables map[string]string) map[string]string {
	arguments := maps.Clone(b.Arguments)
	for _, name := range dockerfile.Arguments(text) {
		value, given := variables[name]
		if _, own := arguments[name]; own || !given || SteersBuilder(name) || ChoosesProxy(name) {
			continue
		}
		if arguments == nil {
			arguments = make(map[string]string)
		}
		arguments[name] = value
	}
	return arguments
}

// NoteUndeclared adds a note on the variables that no build of the plan gets.
func (p *Plan) NoteUndeclared(variables map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		declared, generated, built := false, false, false
		for _, service := range p.Services {
			_, given := service.Build.Arguments[name]
			declared = declared || given
			generated = generated || service.Build.Generated != nil
			built = built || service.Image == ""
		}
		switch {
		case declared:
		case !built:
			p.Notes = append(p.Notes, fmt.Sprintf("The variable %s is marked for the build, and nothing is built here.", name))
		case generated:
			p.Notes = append(p.Notes, fmt.Sprintf("The build does not see the variable %s: the Dockerfile that Berth writes for this project has no build step that reads it.", name))
		default:
			p.Notes = append(p.Notes, fmt.Sprintf("The build does not see the variable %s: write \"ARG %s\" into the Dockerfile, in the stage and before the step that needs it.", name, name))
		}
	}
}
