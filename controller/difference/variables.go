package difference

import (
	"slices"
	"strings"

	"berth/controller/app"
)

// compareVariables compares the variables of the app, and those that a compose file gives
// its services. It counts a secret as changed if somebody saved another value.
func compareVariables(from, to Side, planned bool) []Variable {
	var variables []Variable
	for _, change := range compare(valuesOf(from.Variables), valuesOf(to.Variables)) {
		variables = append(variables, Variable{Name: change.key, Kind: change.kind})
	}
	if !planned {
		return variables
	}
	before, after := serviceVariables(from.Release), serviceVariables(to.Release)
	for _, service := range serviceNames(from.Release, to.Release) {
		for _, change := range compare(before[service], after[service]) {
			variables = append(variables, Variable{Service: service, Name: change.key, Kind: change.kind})
		}
	}
	return variables
}

// value is all of a variable but its name.
type value struct {
	plain, sealed       string
	secret, file, build bool
}

func valuesOf(variables []app.Variable) map[string]value {
	values := make(map[string]value, len(variables))
	for _, v := range variables {
		values[v.Name] = value{v.Value, string(v.Sealed), v.Secret(), v.File, v.Build}
	}
	return values
}

func serviceVariables(release app.Release) map[string]map[string]string {
	services := make(map[string]map[string]string, len(release.Services))
	for _, run := range release.Services {
		values := make(map[string]string, len(run.Spec.Environment))
		for _, variable := range run.Spec.Environment {
			name, value, _ := strings.Cut(variable, "=")
			values[name] = value
		}
		services[run.Spec.Name] = values
	}
	return services
}

// serviceNames are the services of both releases, by name.
func serviceNames(releases ...app.Release) []string {
	var names []string
	for _, release := range releases {
		for _, run := range release.Services {
			names = append(names, run.Spec.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
