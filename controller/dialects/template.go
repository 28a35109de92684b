package dialects

import (
	"context"
	"errors"
	"path"
	"regexp"

	"berth/controller/archive"
	"berth/controller/dialect"
	"berth/controller/plan"
	"berth/controller/planner"
	"berth/controller/problem"
)

const (
	// templateFile is Dokploy's, beside a compose file.
	templateFile = "template.toml"
	// The bounds of the files that are read. The importers have their own.
	composeBytes  = 1 << 20
	templateBytes = 512 << 10
)

// ofDokploy matches a line that only a template of Dokploy has. Other tools have a file of
// that name, too.
var ofDokploy = regexp.MustCompile(`(?m)^\s*(\[{1,2}\s*)?(config|variables)\s*[\].=]`)

// template is what an archive holds in place of a plain compose file.
type template struct {
	form  dialect.Form
	paths []string          // of the compose files; other paths begin in the folder of the first
	file  string            // path of the template.toml; empty for Coolify, whose template are the compose files
	names []string          // paths of the files that are templates
	from  map[string]string // by the name of a variable or the path of a file: the compose file that it comes from, if that is not the first template
	// composes are the plain compose files by path, where they differ from the archive's.
	composes map[string]string
	holders  map[string]string // by the name of a blank: the variable that keeps its value
	own      map[string]bool   // variables that only keep values
}

// read returns the template of an archive; nil if it holds none. What is wrong with a plain
// compose file is left to the planner.
func read(ctx context.Context, tree *archive.Tree, o plan.Options) (*template, error) {
	paths := planner.ComposeFiles(ctx, tree, o)
	if len(paths) == 0 {
		return nil, nil //nolint:nilnil // nil is the template of an archive without one
	}
	found, err := readAll(ctx, tree, paths)
	if err != nil || found == nil {
		return nil, err
	}
	if err := found.refuseReferences(); err != nil {
		return nil, err
	}
	found.hold()
	return found, nil
}

// readSource reads a compose file, and the template beside it. It is empty if the compose
// file cannot be read.
func readSource(ctx context.Context, tree *archive.Tree, compose string) (dialect.Source, error) {
	beside := path.Join(path.Dir(compose), templateFile)
	if err := tree.Prepare(ctx, []string{compose, beside}); err != nil {
		return dialect.Source{}, err
	}
	text, err := tree.ReadFile(ctx, compose, composeBytes)
	if _, refused := errors.AsType[*problem.Refusal](err); refused || plan.RefersToSecret(string(text)) {
		return dialect.Source{}, nil // the planner refuses it
	}
	if err != nil {
		return dialect.Source{}, err
	}
	source := dialect.Source{ComposeName: compose, Compose: string(text)}
	if entry, found := tree.Entry(beside); !found || entry.Kind != archive.File {
		return source, nil
	}
	text, err = tree.ReadFile(ctx, beside, templateBytes)
	if err != nil {
		return dialect.Source{}, err
	}
	if ofDokploy.Match(text) {
		source.TemplateName, source.Template = beside, string(text)
	}
	return source, nil
}

// name is the path of the file that says what the template asks for.
func (t *template) name() string {
	return t.names[0]
}

// refuseReferences refuses characters that would name a secret of the app.
func (t *template) refuseReferences() error {
	var faults problem.Refusals
	check := func(name string, text dialect.Text, line int) {
		for _, part := range text {
			if plan.RefersToSecret(part.Literal) {
				faults = append(faults, &problem.Refusal{
					File: t.fileOf(name), Line: line, Reason: "The text holds characters of the private use area, which mean something else here.", Hint: "Remove the invisible characters.",
				})
				return
			}
		}
	}
	for _, variable := range t.form.Variables {
		check(variable.Name, variable.Value, variable.Line)
	}
	for _, file := range t.form.Files {
		check(file.Path, file.Content, file.Line)
	}
	return faults.Err()
}
