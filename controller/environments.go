package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/plan"
)

// Environment is the environment of an app as pages show it: what was saved, and
// how it differs from what runs.
type Environment struct {
	Variables []VariableView // by name
	Added     []string       // saved, and not in the live release
	Changed   []string       // saved with another value than in the live release
	Removed   []string       // in the live release, and no longer saved
	Live      int64          // number of the live release; 0 where nothing runs: all is new
}

// VariableView is a variable as it is shown; of a secret, without its value.
type VariableView struct {
	Name      string
	Value     string // empty for a secret
	Secret    bool
	File      bool
	Warning   string
	Unapplied bool // new, or not as it runs
}

// Unapplied is how many variables differ from what runs.
func (e Environment) Unapplied() int { return len(e.Added) + len(e.Changed) + len(e.Removed) }

// Find returns the variable of a name.
func (e Environment) Find(name string) (VariableView, bool) {
	at := slices.IndexFunc(e.Variables, func(v VariableView) bool { return v.Name == name })
	if at < 0 {
		return VariableView{}, false
	}
	return e.Variables[at], true
}

// Environment returns what was saved for the app; a missing app is a Problem of KindNotFound.
func (c *Controller) Environment(ctx context.Context, name AppName) (Environment, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return Environment{}, err
	}
	return c.environment(ctx, app)
}

// UpdateEnvironment saves a change of the app's environment, and returns what was
// saved. What runs stays as it is until ApplyEnvironment or an upload. Problems name
// the fields name, value, delivery or keep_secrets.
func (c *Controller) UpdateEnvironment(ctx context.Context, name AppName, change EnvironmentChange) (Environment, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return Environment{}, err
	}
	number, before, err := c.ledger.FindEnvironment(ctx, name)
	if err != nil {
		return Environment{}, claimProblem(err, app)
	}
	after, err := c.changeEnvironment(name, before, change)
	if err != nil {
		return Environment{}, err
	}
	if !slices.EqualFunc(before, after, Variable.equal) {
		if err := c.ledger.UpdateEnvironment(ctx, name, number, after); err != nil {
			return Environment{}, claimProblem(err, app)
		}
		c.notices.notify(name)
	}
	return c.environment(ctx, app)
}

// ApplyEnvironment queues a release that runs the live image with the environment
// and the settings that were saved, without a build and without a gap. The zero
// Release says that nothing was to be done: what runs has it already, or nothing
// runs, and the next upload takes it.
func (c *Controller) ApplyEnvironment(ctx context.Context, name AppName, by string) (Release, error) {
	app, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return Release{}, err
	}
	defer unlock()
	saved, err := c.environment(ctx, app)
	if err != nil || app.Live == 0 || saved.Unapplied() == 0 {
		return Release{}, err
	}
	wish := rerunOf(live, by)
	wish.Services, wish.Archive = live.again(app.Settings), live.Archive
	wish.Settings, wish.Mounts, wish.NewEnvironment = app.Settings, app.Mounts, true
	if live.Composed() {
		if err := c.planAgain(ctx, app, &wish); err != nil {
			return Release{}, err
		}
	}
	return c.queueRerun(ctx, app, wish)
}

// planAgain lets the release be planned anew from the archive of the live one: what a
// compose file says depends on the variables. Its images come from the build cache.
func (c *Controller) planAgain(ctx context.Context, app App, wish *Release) error {
	if wish.Archive == "" {
		return &Problem{
			Kind: KindConflict, Message: "The archive of what runs is not kept any more, and its compose file has to be read again with the new variables.",
			Hint: "Upload the archive as an update: it takes the variables as they are saved.",
		}
	}
	environment, err := c.openSavedEnvironment(ctx, app.Name)
	if err != nil {
		return err
	}
	if _, err := c.examine(ctx, &Archive{file: wish.Archive}, app, environment.options(app.Settings)); err != nil {
		return err
	}
	wish.Image, wish.Services = "", nil
	return nil
}

// environment compares what was saved with what runs.
func (c *Controller) environment(ctx context.Context, app App) (Environment, error) {
	_, saved, err := c.ledger.FindEnvironment(ctx, app.Name)
	if err != nil {
		return Environment{}, claimProblem(err, app)
	}
	shown := Environment{Live: app.Live, Variables: make([]VariableView, 0, len(saved))}
	var running []Variable
	if app.Live != 0 {
		if running, err = c.ledger.FindEnvironmentOf(ctx, ReleaseID{App: app.Name, Number: app.Live}); err != nil {
			return Environment{}, claimProblem(err, app)
		}
	}
	for _, variable := range saved {
		was := find(running, variable.Name)
		view := VariableView{
			Name: variable.Name, Value: variable.Value, Secret: variable.Secret(), File: variable.File,
			Warning: VariableWarning(variable.Name), Unapplied: !variable.equal(was),
		}
		shown.Variables = append(shown.Variables, view)
		switch {
		case was.Name == "":
			shown.Added = append(shown.Added, variable.Name)
		case view.Unapplied:
			shown.Changed = append(shown.Changed, variable.Name)
		}
	}
	for _, variable := range running {
		if find(saved, variable.Name).Name == "" {
			shown.Removed = append(shown.Removed, variable.Name)
		}
	}
	return shown, nil
}

// openEnvironment is the environment of a release with its secrets in the clear:
// for the moment in which an instance is started, and to mask what is printed.
type openEnvironment struct {
	variables []string          // NAME=value
	files     map[string]string // values of the secrets that are files in plan.SecretsFolder, by name
	secrets   map[string]string // values of all secrets, by name
	mask      *mask
}

// openEnvironmentOf opens the secrets of a release.
func (c *Controller) openEnvironmentOf(ctx context.Context, id ReleaseID) (openEnvironment, error) {
	kept, err := c.ledger.FindEnvironmentOf(ctx, id)
	if err != nil {
		return openEnvironment{}, err
	}
	return c.open(id.App, kept)
}

// openSavedEnvironment opens the secrets that the next upload of an app gets.
func (c *Controller) openSavedEnvironment(ctx context.Context, app AppName) (openEnvironment, error) {
	_, kept, err := c.ledger.FindEnvironment(ctx, app)
	if err != nil {
		return openEnvironment{}, err
	}
	return c.open(app, kept)
}

func (c *Controller) open(app AppName, kept []Variable) (openEnvironment, error) {
	opened := openEnvironment{files: make(map[string]string), secrets: make(map[string]string)}
	for _, variable := range kept {
		value := variable.Value
		if variable.Secret() {
			plain, err := c.key.Open(variable.Sealed, environmentPlace(app, variable.Name))
			if err != nil {
				return openEnvironment{}, cannotOpen(variable.Name, err)
			}
			value = string(plain)
			opened.secrets[variable.Name] = value
		}
		if variable.File {
			opened.files[variable.Name] = value
			continue
		}
		opened.variables = append(opened.variables, variable.Name+"="+value)
	}
	opened.mask = newMask(opened.secrets)
	return opened, nil
}

// options are those of the plan: the settings and the environment.
func (e openEnvironment) options(settings Settings) plan.Options {
	options := settings.planOptions()
	options.Environment = e.variables
	options.Secrets = slices.Sorted(maps.Keys(e.secrets))
	return options
}

// specOf is what a service of the release runs with: as it was planned, or where a
// Dockerfile was built, what the settings and the environment say.
func (c *Controller) specOf(release Release, run ServiceRun, environment openEnvironment) (plan.Service, error) {
	if release.Composed() {
		return c.unsealed(release.App, run.Spec)
	}
	return environment.deliver(environment.options(release.Settings).Service()), nil
}

// deliver gives the service the secrets that are files. It refers to their values
// alone: those are the engine's to put into memory.
func (e openEnvironment) deliver(service plan.Service) plan.Service {
	service.Files = slices.Clone(service.Files)
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		service.Files = append(service.Files, plan.File{
			Path: plan.SecretsFolder + "/" + name, Mode: 0o400, Private: true, Content: []byte(plan.SecretReference(name)),
		})
	}
	return service
}

func cannotOpen(name string, cause error) *Problem {
	return &Problem{
		Kind: KindInvalid, Err: cause,
		Message: fmt.Sprintf("The secret %s cannot be opened: it was sealed with another key than the one that Berth has now.", name),
		Hint:    "Bring the former secret.key back, or type the secret again under Environment on the app's page, and deploy again.",
	}
}

// Summary says what a change is about: the names, and never a value.
func (c EnvironmentChange) Summary() string {
	var variables, secrets []string
	for _, wish := range c.Set {
		if wish.Secret {
			secrets = append(secrets, wish.Name)
			continue
		}
		variables = append(variables, wish.Name)
	}
	var parts []string
	if c.Replace {
		parts = append(parts, "replaced all")
	}
	for _, part := range []struct {
		verb  string
		names []string
	}{{"set", variables}, {"set secret", secrets}, {"kept secret", c.Keep}, {"removed", c.Remove}} {
		if len(part.names) > 0 {
			parts = append(parts, part.verb+" "+NameList(part.names))
		}
	}
	return strings.Join(parts, "; ")
}

// NameList gives a few names and the number of the others.
func NameList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
