package dialects

import (
	"fmt"
	"path"
	"slices"

	"berth/controller/archive"
	"berth/controller/dialect"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
)

// texts returns the plain compose file and the files of the template by path, and notes on
// those that the archive holds itself.
func (t *template) texts(tree *archive.Tree, o plan.Options) (texts map[string][]byte, notes []string, err error) {
	known := values(o)
	faults := t.lacking(known)
	answers := make(map[string]string)
	for _, blank := range t.form.Blanks {
		answers[blank.Name] = known[t.holders[blank.Name]] // empty where no file holds it
	}
	filled, err := t.form.Fill(answers)
	if err != nil {
		return nil, nil, t.placed(err)
	}
	texts = make(map[string][]byte)
	for name, compose := range t.composes {
		texts[name] = []byte(compose)
	}
	for i, file := range filled.Files {
		name := path.Join(path.Dir(t.paths[0]), file.Path)
		entry, found := tree.Entry(name)
		if refusal := t.refusePlace(tree, name); refusal != nil {
			refusal.File = t.fileOf(file.Path)
			refusal.Line = t.form.Files[i].Line
			faults = append(faults, refusal)
			continue
		}
		if found && entry.Kind == archive.File {
			notes = append(notes, fmt.Sprintf("The archive has %s itself, so that of the template is left out.", printable.Name(name, 200)))
			continue
		}
		texts[name] = []byte(file.Content)
	}
	return texts, notes, faults.Err()
}

// refusePlace refuses a file of the template in the place of something else.
func (t *template) refusePlace(tree *archive.Tree, name string) *problem.Refusal {
	refuse := func(why string) *problem.Refusal {
		return &problem.Refusal{File: t.name(), Reason: fmt.Sprintf("The template's file %.200q cannot be there: %s.", name, why), Hint: "Give the file another path."}
	}
	if slices.Contains(t.paths, name) || name == t.file {
		return refuse("it would replace a file that Berth reads the template from")
	}
	if entry, found := tree.Entry(name); found && entry.Kind != archive.File {
		return refuse("the archive has a folder or a link of that name")
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if entry, found := tree.Entry(folder); found && entry.Kind != archive.Directory {
			return refuse("one of its folders is a file or a link in the archive")
		}
	}
	return nil
}

// lacking refuses files whose values are not among the app's variables.
func (t *template) lacking(known map[string]string) (faults problem.Refusals) {
	said := make(map[string]bool)
	for _, file := range t.form.Files {
		for _, part := range file.Content {
			holder := t.holders[part.Blank]
			if _, has := known[holder]; part.Blank == "" || has || said[holder] {
				continue
			}
			said[holder] = true
			faults = append(faults, &problem.Refusal{
				File: t.fileOf(file.Path), Line: file.Line, Reason: fmt.Sprintf("The variable %.128s has no value.", holder),
				Hint: fmt.Sprintf("The template's file %s holds it: give it a value among the app's variables.", printable.Name(file.Path, 100)),
			})
		}
	}
	return faults
}

// holdsKind reports whether a variable holds a blank of one of the kinds.
func (t *template) holdsKind(text dialect.Text, isOne func(dialect.Kind) bool) bool {
	return slices.ContainsFunc(text, func(part dialect.Part) bool {
		blank, found := t.form.Blank(part.Blank)
		return found && isOne(blank.Generator.Kind)
	})
}
