package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/dialect"
	"berth/controller/dialects"
	"berth/controller/plan"
)

// templateFile is Dokploy's, beside a compose file.
const templateFile = "template.toml"

// host is that of the apps.
const host = "app.example.com"

// dialectOf says in which dialect a compose file is written, and why its template cannot be
// read.
func dialectOf(file string) (name dialect.Name, text string, refused, err error) {
	compose, err := os.ReadFile(file)
	if err != nil {
		return "", "", nil, err
	}
	source := dialect.Source{ComposeName: filepath.Base(file), Compose: string(compose)}
	beside, err := os.ReadFile(filepath.Join(filepath.Dir(file), templateFile))
	switch {
	case err == nil:
		source.TemplateName, source.Template = templateFile, string(beside)
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", nil, err
	}
	form, refused := dialect.Import(source)
	return form.Dialect, string(compose), refused, nil
}

// upload is a folder as it is uploaded.
type upload struct {
	packed string // its archive
	text   string // of its compose file
	asked  []app.TemplateVariable
}

func (u upload) open() (*archive.Tree, error) {
	return archive.OpenApp(u.packed, archive.DefaultLimits())
}

// pack packs the folder, and makes the values that its template leaves open. The caller
// removes the archive.
func pack(ctx context.Context, folder, text string, options plan.Options) (upload, error) {
	packed, err := os.CreateTemp("", "berth-corpus-*.zip")
	if err != nil {
		return upload{}, err
	}
	defer packed.Close()
	made := upload{packed: packed.Name(), text: text}
	if err := archive.Pack(ctx, folder, packed, nil); err != nil {
		return made, err
	}
	_, made.asked, _ = dialects.First(ctx, made.open, options, dialects.App{Host: host}) // what is wrong is said when it is planned
	return made, nil
}

// plan plans the upload with the options.
func (u upload) plan(ctx context.Context, options plan.Options) (plan.Plan, error) {
	tree, err := u.open()
	if err != nil {
		return plan.Plan{}, err
	}
	defer tree.Close()
	return dialects.Plan(ctx, tree, options)
}

// give gives values to the variables of the template and to those that the compose file
// names.
func (u upload) give(options plan.Options, choose choices) plan.Options {
	values := make(map[string]string)
	for _, name := range unset(u.text) {
		values[name] = "1"
	}
	for _, variable := range u.asked {
		values[variable.Name] = variable.Value.Reveal()
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch choose.variables {
		case variablesPlain:
			options.Environment = append(options.Environment, name+"="+values[name])
		case variablesSecret:
			options.Secrets = append(options.Secrets, name)
		}
	}
	return options
}
