package dialects

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"berth/controller/archive"
	"berth/controller/dialect"
	"berth/controller/printable"
	"berth/controller/problem"
)

// readAll reads the compose files as one template: each of them may be Coolify's, and one
// of Dokploy stands beside the first. It is nil if none is a template.
func readAll(ctx context.Context, tree *archive.Tree, paths []string) (*template, error) {
	found := &template{paths: paths, composes: make(map[string]string), from: make(map[string]string)}
	for i, name := range paths {
		source, err := readSource(ctx, tree, name)
		if err != nil {
			return nil, err
		}
		if source.Compose == "" {
			continue
		}
		if i > 0 && source.TemplateName != "" && path.Dir(name) == path.Dir(paths[0]) {
			source.TemplateName, source.Template = "", "" // it was read with the first one
		}
		form, err := dialect.Import(source)
		if err != nil {
			return nil, err
		}
		if form.Dialect == dialect.Plain {
			continue
		}
		if err := found.add(name, source, form); err != nil {
			return nil, err
		}
	}
	if len(found.names) == 0 {
		return nil, nil //nolint:nilnil // as read
	}
	return found, nil
}

// add takes the form of one compose file into that of the ones before. Of two values, files
// or answers with one name the first counts: in Coolify the name says what it is.
func (t *template) add(name string, source dialect.Source, form dialect.Form) error {
	file := cmp.Or(source.TemplateName, name)
	if source.TemplateName != "" && name != t.paths[0] {
		return &problem.Refusal{
			File: file, Reason: fmt.Sprintf("The template stands beside %s, and the first of the compose files is %s.", printable.Name(name, 200), printable.Name(t.paths[0], 200)),
			Hint: "Name the compose file of the template first, or put the template beside the first one.",
		}
	}
	if t.form.Dialect != dialect.Plain && t.form.Dialect != form.Dialect {
		return &problem.Refusal{
			File: file, Reason: fmt.Sprintf("The file is a template of %s, and %s is one of %s.", labels[form.Dialect], printable.Name(t.names[0], 200), labels[t.form.Dialect]),
			Hint: "Choose compose files of one of them.",
		}
	}
	t.names, t.composes[name] = append(t.names, file), form.Compose
	if len(t.names) == 1 {
		t.form, t.file = form, source.TemplateName
		return nil
	}
	for _, blank := range form.Blanks {
		if _, known := t.form.Blank(blank.Name); !known {
			t.form.Blanks = append(t.form.Blanks, blank)
		}
	}
	for _, variable := range form.Variables {
		if !slices.ContainsFunc(t.form.Variables, func(v dialect.Variable) bool { return v.Name == variable.Name }) {
			t.form.Variables, t.from[variable.Name] = append(t.form.Variables, variable), name
		}
	}
	for _, one := range form.Files {
		if !slices.ContainsFunc(t.form.Files, func(f dialect.File) bool { return f.Path == one.Path }) {
			t.form.Files, t.from[one.Path] = append(t.form.Files, one), name
		}
	}
	t.form.Routes, t.form.Notes = append(t.form.Routes, form.Routes...), append(t.form.Notes, form.Notes...)
	if t.form.Main == "" {
		t.form.Main, t.form.Port = form.Main, form.Port
	}
	return nil
}

// fileOf is the path of the file that a variable or a file of the template comes from.
func (t *template) fileOf(name string) string { return cmp.Or(t.from[name], t.name()) }
