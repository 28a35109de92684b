package router

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
)

// The fields of an upload that answer what the archive leaves open, beside those of
// app.Choices and of the settings. fieldGenerate has the names of variables that get a
// random value.
const (
	fieldPlain  = "plain"  // names of variables that are no secrets
	valuePrefix = "value_" // before the name of a variable that the archive needs; it is never sent back
)

// listFields may be sent several times, once for each name, or once with commas between.
var listFields = []string{fieldPlain, fieldBuild, fieldGenerate, fieldServices, fieldServiceRoutes, app.FieldProfiles, app.FieldRootStart, app.FieldBound}

// settingsFields change the settings of the app where they are sent.
var settingsFields = []string{
	fieldPort, fieldFallback, fieldDatabase, fieldServices, fieldWritableRoot,
	app.FieldMain, app.FieldProfiles, app.FieldCompose, app.FieldVolumes, app.FieldDotenv,
	app.FieldReady, app.FieldReadyPath, app.FieldReadyStatus, app.FieldStartTime, app.FieldScheme,
	app.FieldImageVolumes, app.FieldRootStart, app.FieldBound,
}

// has reports whether the field was sent.
func (u *upload) has(field string) bool {
	_, given := u.fields[field]
	return given
}

// names are those in a field of names.
func (u *upload) names(field string) []string {
	return strings.FieldsFunc(u.fields[field], func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// settings are those of before with what the form sends.
func (u *upload) settings(before app.Settings) (app.Settings, problem.Problems) {
	made, typed := before, before.Choices.Form()
	var problems problem.Problems
	var err error
	if u.has(fieldPort) {
		made.Port, err = app.ParsePort(u.fields[fieldPort])
		problems = problems.With(err)
	}
	u.tick(fieldFallback, &made.Fallback)
	u.tick(fieldWritableRoot, &made.WritableRoot)
	u.tick(fieldDatabase, &made.Database)
	if names := u.names(fieldServices); len(names) > 0 {
		made.Database = true // for these services, and those that have it
		made.DatabaseServices, err = app.ParseServiceNames(strings.Join(append(names, before.DatabaseServices.List()...), ","))
		problems = problems.With(err)
	}
	u.text(app.FieldMain, &typed.Main)
	u.text(app.FieldProfiles, &typed.Profiles)
	u.text(app.FieldCompose, &typed.Compose)
	u.tick(app.FieldVolumes, &typed.Volumes)
	u.tick(app.FieldDotenv, &typed.Dotenv)
	u.tick(app.FieldImageVolumes, &typed.ImageVolumes)
	if names := u.names(app.FieldRootStart); len(names) > 0 { // beside those that have it
		typed.RootStart = strings.Join(append(names, before.Choices.RootStart.List()...), ",")
	}
	if u.has(app.FieldBound) { // the places that it does not name stay as they are
		typed.Bound += "," + u.fields[app.FieldBound]
	}
	var wrong, unready problem.Problems
	made.Choices, wrong = app.ParseChoices(typed)
	made.Readiness, unready = u.readiness(before.Readiness)
	return made, append(append(problems, wrong...), unready...)
}

// readiness is that of before with what the form sends.
func (u *upload) readiness(before app.Readiness) (app.Readiness, problem.Problems) {
	typed := before.Form()
	u.text(app.FieldReady, &typed.By)
	u.text(app.FieldReadyPath, &typed.Path)
	u.text(app.FieldReadyStatus, &typed.Status)
	u.text(app.FieldStartTime, &typed.StartTime)
	u.text(app.FieldScheme, &typed.Scheme)
	return app.ParseReadiness(typed)
}

// text takes the field where it was sent.
func (u *upload) text(field string, into *string) {
	if u.has(field) {
		*into = u.fields[field]
	}
}

// tick takes the box where it was sent.
func (u *upload) tick(field string, into *bool) {
	if u.has(field) {
		*into = isTicked(u.fields[field])
	}
}

// parseChoices reads the settings and the variables that the upload gives to the app,
// which has the settings before.
func (u *upload) parseChoices(before app.Settings, into *controller.Upload) error {
	if slices.ContainsFunc(settingsFields, u.has) {
		settings, wrong := u.settings(before)
		into.Settings = &settings
		for _, one := range wrong {
			if err := u.problems.add(one); err != nil {
				return err
			}
		}
	}
	return u.problems.add(parseVariables(u, into))
}

// mayWish is mayWaive for an upload. A person may.
func (v *visit) mayWish(app app.App, wish controller.Upload) error {
	if wish.Settings == nil || !v.caller.bearer {
		return nil
	}
	return v.mayWaive(app, *wish.Settings)
}

// parseVariables reads what the app is to have as its environment.
func parseVariables(form *upload, into *controller.Upload) error {
	into.Plain = form.names(fieldPlain)
	plain := append(form.names(fieldPlain), form.names(fieldBuild)...)
	if text := form.fields[fieldVariables]; strings.TrimSpace(text) != "" {
		imported, err := app.ParseEnvironmentText(text, form.fields[fieldPlainVariables] == "")
		if err != nil {
			return problem.AtField(fieldVariables, err)
		}
		into.Environment = imported.Wishes
	}
	given, err := form.givenVariables()
	if err != nil {
		return err
	}
	into.Environment = app.MergeWishes(into.Environment, given)
	for i, wish := range into.Environment {
		if slices.Contains(plain, wish.Name) {
			into.Environment[i].Secret = false
		}
	}
	into.Environment, err = markBuilds(into.Environment, form.names(fieldBuild))
	return err
}

// givenVariables are those with a field of their own. One without a value stays missing.
func (u *upload) givenVariables() ([]app.VariableWish, error) {
	var wishes []app.VariableWish
	for _, name := range u.valueNames() {
		wish := app.VariableWish{Name: name, Value: secret.Text(u.fields[valuePrefix+name]), Secret: true}
		if wish.Value == "" && slices.Contains(u.names(fieldGenerate), name) {
			wish.Value = secret.Text(rand.Text())
		}
		if wish.Value == "" {
			continue
		}
		if wrong := wish.Check(); wrong != nil {
			return nil, wrong.At(fieldVariables)
		}
		wishes = append(wishes, wish)
	}
	return wishes, nil
}

// valueNames are the names of the variables that have a field of their own or get a random
// value, sorted.
func (u *upload) valueNames() []string {
	names := u.names(fieldGenerate)
	for field := range maps.Keys(u.fields) {
		if name, found := strings.CutPrefix(field, valuePrefix); found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isVariableField reports whether the field gives a variable, which waits with a held
// archive and on no page.
func isVariableField(name string) bool {
	return name == fieldVariables || name == fieldGenerate || name == fieldPlain || name == fieldBuild || strings.HasPrefix(name, valuePrefix)
}
