package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"berth/controller/dialect"
	"berth/controller/plan"
)

// templateFile is Dokploy's, beside a compose file.
const templateFile = "template.toml"

// template is a compose file as its dialect reads it.
type template struct {
	form    dialect.Form
	filled  dialect.Filled
	refused error // why it cannot be read
}

func readDialect(file string) (template, error) {
	compose, err := os.ReadFile(file)
	if err != nil {
		return template{}, err
	}
	source := dialect.Source{ComposeName: filepath.Base(file), Compose: string(compose)}
	beside, err := os.ReadFile(filepath.Join(filepath.Dir(file), templateFile))
	switch {
	case err == nil:
		source.TemplateName, source.Template = templateFile, string(beside)
	case !errors.Is(err, fs.ErrNotExist):
		return template{}, err
	}
	var t template
	t.refused = t.read(source)
	return t, nil
}

func (t *template) read(source dialect.Source) (err error) {
	if t.form, err = dialect.Import(source); err != nil {
		return err
	}
	answers := make(map[string]string)
	for _, blank := range t.form.Blanks {
		if blank.Generator.Kind == dialect.KindHost {
			answers[blank.Name] = "app.example.com"
		}
	}
	t.filled, err = t.form.Fill(answers)
	return err
}

// folder is a copy of the compose file's folder with what the dialect became: plain
// compose, and the template's files beside those of the archive.
func (t template) folder(file string) (string, error) {
	folder, err := os.MkdirTemp("", "berth-corpus-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(folder, os.DirFS(filepath.Dir(file))); err != nil {
		return folder, err
	}
	compose := filepath.Join(folder, filepath.Base(file))
	if err := os.Remove(compose); err != nil { // it may be read-only
		return folder, err
	}
	if err := os.WriteFile(compose, []byte(t.form.Compose), 0o600); err != nil {
		return folder, err
	}
	for _, one := range t.filled.Files {
		path := filepath.Join(folder, filepath.FromSlash(one.Path))
		if _, err := os.Lstat(path); err == nil {
			continue // the archive's own file wins
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return folder, err
		}
		if err := os.WriteFile(path, []byte(one.Content), 0o600); err != nil {
			return folder, err
		}
	}
	return folder, nil
}

// options are the plan's options with values for the variables of template and file.
func (t template) options(choose choices) plan.Options {
	options := plan.Options{
		Limits: plan.DefaultLimits(), Most: plan.DefaultLimits(), Server: os.Args[0],
		Main: t.form.Main, Port: t.form.Port, Volumes: choose.binds == bindsVolumes,
	}
	values := make(map[string]string)
	for _, name := range unset(t.form.Compose) {
		values[name] = "1"
	}
	for _, variable := range t.filled.Variables {
		values[variable.Name] = variable.Value
	}
	for name, value := range values {
		switch choose.variables {
		case variablesPlain:
			options.Environment = append(options.Environment, name+"="+value)
		case variablesSecret:
			options.Secrets = append(options.Secrets, name)
		}
	}
	slices.SortFunc(options.Environment, strings.Compare)
	slices.Sort(options.Secrets)
	return options
}
