// Package environment seals an app's variables, opens them for a release, and masks them in
// printed text.
package environment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

// Environment is the environment of an app as pages show it: the saved variables, and how
// they differ from the live release.
type Environment struct {
	Variables []VariableView // by name
	Added     []string       // saved, and not in the live release
	Changed   []string       // saved with another value than in the live release
	Removed   []string       // in the live release, and no longer saved
	Live      int64          // number of the live release; 0 if nothing runs, and then all is new
}

// VariableView is a variable as pages show it; a secret has no value in it.
type VariableView struct {
	Name      string
	Value     string // empty for a secret
	Secret    bool
	File      bool
	Build     bool // builds get it too
	Warning   string
	Unapplied bool // new, or different from the live release
}

// Unapplied is how many variables differ from the live release.
func (e Environment) Unapplied() int { return len(e.Added) + len(e.Changed) + len(e.Removed) }

// Find returns the variable of a name.
func (e Environment) Find(name string) (VariableView, bool) {
	at := slices.IndexFunc(e.Variables, func(v VariableView) bool { return v.Name == name })
	if at < 0 {
		return VariableView{}, false
	}
	return e.Variables[at], true
}

// OpenEnvironment is the environment of a release with its secrets in the clear. It
// exists for the moment of a start, and to mask output.
type OpenEnvironment struct {
	Variables []string          // NAME=value
	Files     map[string]string // values of the secrets that are files in plan.planx.SecretsFolder, by name
	Secrets   map[string]string // values of all secrets, by name
	Build     map[string]string // values of the variables that builds get, by name
	Mask      *Mask
}

// Options returns the options of the plan: the settings and the environment.
func (e OpenEnvironment) Options(settings app.Settings) plan.Options {
	options := settings.PlanOptions()
	options.Environment, options.BuildVariables = e.Variables, e.Build
	options.Secrets = slices.Sorted(maps.Keys(e.Secrets))
	return options
}

// Values returns the values of all variables by name.
func (e OpenEnvironment) Values() map[string]string {
	all := maps.Clone(e.Secrets)
	if all == nil {
		all = make(map[string]string)
	}
	for _, variable := range e.Variables {
		name, value, _ := strings.Cut(variable, "=")
		all[name] = value
	}
	return all
}

// Deliver gives the service the secrets that are files. The service only refers to the
// values: the engine puts them into memory.
func (e OpenEnvironment) Deliver(service plan.Service) plan.Service {
	service.Files = slices.Clone(service.Files)
	for _, name := range slices.Sorted(maps.Keys(e.Files)) {
		service.Files = append(service.Files, plan.File{
			Path: plan.SecretsFolder + "/" + name, Mode: 0o400, Private: true, Content: []byte(plan.SecretReference(name)),
		})
	}
	return service
}

// CannotOpen says that a secret was sealed with another key than the present one.
func CannotOpen(name string, cause error) *problem.Problem {
	return problem.Invalid(
		fmt.Sprintf("The secret %s cannot be opened: it was sealed with another key than the one that Berth has now.", name),
		"Bring the former secret.key back, or type the secret again under Environment on the app's page, and deploy again.",
	).Because(cause)
}
