// Package dialect turns a template of Dokploy or Coolify into plain compose and a form.
//
// A Dokploy template is a compose file with a template.toml beside it. A Coolify template
// is a compose file with a header of comments, variables such as SERVICE_PASSWORD_DB, and
// a few keys of its own. Import reads both: what it returns holds nothing of the dialects,
// so the planner never sees them.
//
// The input comes from strangers. Values are read once: a text that came out of a template
// is data from then on, and a ${ in it is never replaced again. Nothing is read but the
// given texts.
package dialect

import (
	"cmp"
	"errors"
	"fmt"

	"berth/controller/problem"
)

// The bounds on a template.
const (
	maxCompose   = 1 << 20   // bytes of a compose file
	maxTemplate  = 512 << 10 // bytes of a template.toml
	maxValue     = 64 << 10  // bytes of the value of one variable
	maxContent   = 1 << 20   // bytes of one file
	maxText      = 8 << 20   // bytes of all values and files together
	maxFiles     = 256
	maxRoutes    = 64
	maxVariables = 1000
	maxBlanks    = 1000
)

// Name says which dialect a file is written in.
type Name string

// The dialects.
const (
	Plain   Name = "" // compose as it is
	Dokploy Name = "dokploy"
	Coolify Name = "coolify"
)

// Source is a compose file, and the template beside it.
type Source struct {
	ComposeName string // for refusals
	Compose     string
	// TemplateName is the path of Dokploy's template.toml, for refusals; empty means that
	// there is none.
	TemplateName string
	Template     string
}

// Form is what a template asks for and gives. Fill makes values of it.
type Form struct {
	Dialect Name
	// Compose is the compose file without anything of the dialect. Its lines are those of
	// the source, unless a note says otherwise.
	Compose   string
	Blanks    []Blank    // what a person may answer, in the template's order
	Variables []Variable // of the app, in the template's order; no two have one name
	Routes    []Route
	Files     []File // no two have one path
	Main      string // the service that the template names first; empty means none
	Port      uint16 // of Main; 0 means that the template names none
	// Slogan and Documentation come from Coolify's header. A stranger wrote them:
	// Documentation is an http or https address, or empty.
	Slogan, Documentation string
	// Notes are whole sentences on what was left out, for a person.
	Notes []string
}

// Variable is a variable of the app.
type Variable struct {
	Name   string
	Value  Text
	Secret bool // it holds a generated secret, or its name says so
	Line   int  // in the template, or in the compose file for Coolify
}

// Route is an address that the template wants for a service of the file.
type Route struct {
	Service string
	Port    uint16 // 0 means that the template names none
	Path    string // begins with a slash; "/" where the template names none
	// Host is a suggestion: empty for none, literal for a host of the template's own, or
	// one that names a Blank of KindHost.
	Host Text
	Line int
}

// File is a file that the compose file mounts, as a path below the compose file's folder.
type File struct {
	Path    string // slashes, relative, and without ".."
	Content Text
	Line    int
}

// Import reads a template. A compose file without a dialect comes back as it is. The error
// joins all faults, each a *problem.Refusal with its file and line.
func Import(s Source) (Form, error) {
	faults := &faults{}
	faults.bound(s.ComposeName, len(s.Compose), maxCompose)
	faults.bound(s.TemplateName, len(s.Template), maxTemplate)
	if err := faults.err(); err != nil {
		return Form{}, err
	}
	f := &form{source: s, faults: faults, named: make(map[string]bool)}
	if s.TemplateName != "" {
		f.importDokploy()
	} else {
		f.importCoolify()
	}
	f.check()
	if err := faults.err(); err != nil {
		return Form{}, err
	}
	return f.Form, nil
}

// form is a Form that is being made.
type form struct {
	Form
	source  Source
	compose *composeFile
	faults  *faults
	named   map[string]bool // the names of Blanks
	spent   int             // bytes of all texts so far
	full    bool            // there are too many Blanks
}

// check fills the form once, so that what could never be filled is refused now.
func (f *form) check() {
	if f.faults.any() {
		return
	}
	answers := make(map[string]string)
	for _, blank := range f.Blanks {
		if blank.Generator.Kind == KindHost {
			answers[blank.Name] = "app.example.com"
		}
	}
	_, err := f.Fill(answers)
	f.faults.add(err)
	for _, fault := range f.faults.found {
		if refusal, ok := errors.AsType[*problem.Refusal](fault); ok && refusal.File == "" {
			refusal.File = cmp.Or(f.source.TemplateName, f.source.ComposeName)
		}
	}
}

// blank adds a value that the template leaves open, and returns the text that stands for
// it. The name gets a number where it is taken.
func (f *form) blank(wanted string, b Blank) Text {
	if len(f.Blanks) >= maxBlanks {
		if !f.full {
			f.faults.refuse(f.source.TemplateName, 0, fmt.Sprintf("The template generates more than %d values.", maxBlanks), "Name variables instead.")
		}
		f.full = true
		return nil
	}
	b.Name = wanted
	for i := 2; f.named[b.Name]; i++ {
		b.Name = fmt.Sprintf("%s_%d", wanted, i)
	}
	return f.shared(b)
}

// shared is blank for a value that several places share by its name.
func (f *form) shared(b Blank) Text {
	if !f.named[b.Name] {
		f.named[b.Name] = true
		b.Secret = b.Generator.Kind.secret()
		f.Blanks = append(f.Blanks, b)
	}
	return Text{{Blank: b.Name}}
}

func (f *form) note(format string, values ...any) {
	const most = 100
	if len(f.Notes) < most {
		f.Notes = append(f.Notes, fmt.Sprintf(format, values...))
	}
}

// isSecret reports whether a text holds a generated secret.
func (f *form) isSecret(text Text) bool {
	for _, part := range text {
		if blank, found := f.Blank(part.Blank); found && blank.Secret {
			return true
		}
	}
	return false
}
