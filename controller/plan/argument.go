package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/dockerfile"
	"berth/controller/printable"
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

// NoteBuilds adds notes on what of the app its builds get: the marked variables, and those
// that no build gets, and secrets.
func (p *Plan) NoteBuilds(variables map[string]string) {
	given, generated, built := map[string]bool{}, false, false
	var secrets []string
	for _, service := range p.Services {
		for name := range service.Build.Arguments {
			given[name] = true
		}
		secrets = append(secrets, service.Build.Secrets...)
		generated = generated || service.Build.Generated != nil
		built = built || service.Image == ""
	}
	var arguments []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		switch {
		case given[name]:
			arguments = append(arguments, name)
		case !built:
			p.note("The variable %s is marked for the build, and nothing is built here.", name)
		case generated:
			p.note("The build does not see the variable %s: the Dockerfile that Berth writes for this project has no build step that reads it.", name)
		default:
			p.note("The build does not see the variable %s: write \"ARG %s\" into the Dockerfile, in the stage and before the step that needs it.", name, name)
		}
	}
	if len(arguments) > 0 {
		p.note("The build gets %s as arguments, whose values stay in the image.", printable.List(arguments))
	}
	if slices.Sort(secrets); len(secrets) > 0 {
		p.note("The build reads the secrets %s, which the image does not hold.", printable.List(slices.Compact(secrets)))
	}
}

func (p *Plan) note(format string, values ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, values...))
}
