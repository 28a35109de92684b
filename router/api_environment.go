package router

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/problem"
	"berth/controller/secret"
)

// environmentJSON is the environment of an app as the API shows it. The value of a
// secret is shown to nobody.
type environmentJSON struct {
	Variables   map[string]string `json:"variables"`
	Secrets     []string          `json:"secrets"`
	Build       []string          `json:"build"`        // those of the variables that builds get too
	SecretFiles []string          `json:"secret_files"` // those of the secrets that the app gets as files
	Unapplied   unappliedJSON     `json:"unapplied"`    // how it differs from what runs
	Warnings    map[string]string `json:"warnings,omitempty"`
}

type unappliedJSON struct {
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
}

func environmentJSONOf(environment environment.Environment) environmentJSON {
	orEmpty := func(names []string) []string { return append([]string{}, names...) }
	made := environmentJSON{
		Variables: map[string]string{}, Build: []string{}, Secrets: []string{}, SecretFiles: []string{}, Warnings: map[string]string{},
		Unapplied: unappliedJSON{orEmpty(environment.Added), orEmpty(environment.Changed), orEmpty(environment.Removed)},
	}
	for _, variable := range environment.Variables {
		if variable.Warning != "" {
			made.Warnings[variable.Name] = variable.Warning
		}
		if !variable.Secret {
			made.Variables[variable.Name] = variable.Value
			if variable.Build {
				made.Build = append(made.Build, variable.Name)
			}
			continue
		}
		made.Secrets = append(made.Secrets, variable.Name)
		if variable.File {
			made.SecretFiles = append(made.SecretFiles, variable.Name)
		}
	}
	return made
}

// environmentWish is what a request sets, by name.
type environmentWish struct {
	Variables   map[string]string      `json:"variables"`
	Secrets     map[string]secret.Text `json:"secrets"`
	SecretFiles map[string]secret.Text `json:"secret_files"`
	// Build names those of Variables that builds get too. Without it each stays as it is.
	Build *[]string `json:"build"`
}

// environmentReplaceWish is a whole environment. KeepSecrets stay as they are.
type environmentReplaceWish struct {
	environmentWish
	KeepSecrets []string `json:"keep_secrets"`
}

// environmentUpdateWish is what changes of an environment.
type environmentUpdateWish struct {
	environmentWish
	Remove []string `json:"remove"`
}

// set returns the wishes, or a problem of the field build.
func (w environmentWish) set() ([]app.VariableWish, error) {
	var build []string
	if w.Build != nil {
		build = *w.Build
	}
	return markBuilds(w.wishes(), build)
}

// markBuilds marks the variables of these names, which builds get too.
func markBuilds(wishes []app.VariableWish, names []string) ([]app.VariableWish, error) {
	for _, name := range names {
		at := slices.IndexFunc(wishes, func(w app.VariableWish) bool { return w.Name == name })
		if at < 0 {
			return nil, problem.Invalid(
				fmt.Sprintf("%.128q is to be a variable of the build, and has no value here.", name),
				"Give its value too, as a plain variable.",
			).At(fieldBuild)
		}
		wishes[at].Build = true
		if wrong := wishes[at].Check(); wrong != nil {
			return nil, wrong.At(fieldBuild)
		}
	}
	return wishes, nil
}

func (w environmentWish) wishes() []app.VariableWish {
	var wishes []app.VariableWish
	for _, name := range slices.Sorted(maps.Keys(w.Variables)) {
		wishes = append(wishes, app.VariableWish{Name: name, Value: secret.Text(w.Variables[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(w.Secrets)) {
		wishes = append(wishes, app.VariableWish{Name: name, Value: w.Secrets[name], Secret: true})
	}
	for _, name := range slices.Sorted(maps.Keys(w.SecretFiles)) {
		wishes = append(wishes, app.VariableWish{Name: name, Value: w.SecretFiles[name], Secret: true, File: true})
	}
	return wishes
}

func (a *admin) apiShowEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	environment, err := a.environments.Environment(v.context(), name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, environmentJSONOf(environment))
}

// apiReplaceEnvironment makes the environment what the body says, and nothing else;
// keep_secrets names the secrets that stay as they are.
func (a *admin) apiReplaceEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish environmentReplaceWish
	err = decodeJSON(v.request(), &wish, `{"variables": {"MODE": "fast"}, "secrets": {"TOKEN": "..."}, "keep_secrets": ["PASSWORD"]}`)
	if err != nil {
		return err
	}
	set, err := wish.set()
	if err != nil {
		return err
	}
	return a.apiChangeEnvironment(v, name, app.EnvironmentChange{Set: set, Replace: true, Keep: wish.KeepSecrets})
}

// apiUpdateEnvironment sets and removes what the body names, and leaves the rest.
// What is a secret already stays one.
func (a *admin) apiUpdateEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish environmentUpdateWish
	err = decodeJSON(v.request(), &wish, `{"variables": {"MODE": "fast"}, "secrets": {"TOKEN": "..."}, "remove": ["OLD"]}`)
	if err != nil {
		return err
	}
	set, err := wish.set()
	if err != nil {
		return err
	}
	return a.apiChangeEnvironment(v, name, app.EnvironmentChange{Set: set, Remove: wish.Remove, StaySecret: true, StayBuild: wish.Build == nil})
}

func (a *admin) apiChangeEnvironment(v *visit, name app.Name, change app.EnvironmentChange) error {
	saved, err := a.environments.UpdateEnvironment(v.context(), name, change)
	if err != nil {
		return err
	}
	v.done.detail = change.Summary()
	return v.json(http.StatusOK, environmentJSONOf(saved))
}

// apiApplyEnvironment answers 201 with the release that runs with what was saved, or
// 200 with the environment where there is nothing to apply.
func (a *admin) apiApplyEnvironment(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	release, err := a.environments.ApplyEnvironment(v.context(), name, v.caller.name())
	if err != nil {
		return err
	}
	if release.Number == 0 {
		v.done.detail = "nothing to apply"
		return a.apiShowEnvironment(v)
	}
	v.done.detail = release.String()
	return v.createdRelease(release)
}
