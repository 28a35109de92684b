package router

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/examples"
)

// The fields of the upload forms that stand in the place of an archive, beside fieldImage.
const (
	fieldComposeText    = "compose_text"    // a whole compose file; it is never sent back
	fieldDockerfileText = "dockerfile_text" // a whole Dockerfile; it is never sent back
	fieldExample        = "example"         // the name of an example of Berth's own
)

// pastedBytes is the most that a file may be that is pasted into a field.
const pastedBytes = 256 << 10

// sourceFields say what an app is made of; no page sends one back that holds a file.
var sourceFields = []string{fieldArchive, fieldImage, fieldComposeText, fieldDockerfileText, fieldExample}

// isPasted reports whether the field holds a whole file.
func isPasted(field string) bool {
	return field == fieldComposeText || field == fieldDockerfileText || field == fieldArrival
}

// packed is an archive that Berth packs itself, of what the form holds in its place.
type packed struct {
	name  string // as a person's file would have
	field string // that holds it
	pack  func(*tar.Writer) error
}

// parseMade reads what stands in the place of an archive, if the form has it.
func (u *upload) parseMade() error {
	compose, dockerfile, example := u.pasted(fieldComposeText), u.pasted(fieldDockerfileText), u.fields[fieldExample]
	pasted := compose != "" || dockerfile != ""
	switch {
	case !pasted && example == "":
		return nil
	case pasted && example != "", u.image != "", u.sendsHeld():
		return u.problems.add(severalSources())
	case pasted:
		u.made = packPasted(compose, dockerfile)
		return nil
	}
	files, found := examples.Open(example)
	if !found {
		return u.problems.add(problem.Invalid(fmt.Sprintf("There is no example %.40q.", example), "Choose one from the page.").At(fieldExample))
	}
	u.made = &packed{name: example + ".tar", field: fieldExample, pack: func(w *tar.Writer) error { return w.AddFS(files) }}
	return nil
}

// pasted is a file as it was pasted, with the line ends of files.
func (u *upload) pasted(field string) string {
	text := strings.ReplaceAll(u.fields[field], "\r\n", "\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return text
}

// packPasted packs the files of a form; an empty one is left out.
func packPasted(compose, dockerfile string) *packed {
	made := &packed{name: "compose.yaml", field: fieldComposeText}
	if compose == "" {
		made.name, made.field = "Dockerfile", fieldDockerfileText
	}
	made.pack = func(w *tar.Writer) error {
		for _, file := range [][2]string{{"compose.yaml", compose}, {"Dockerfile", dockerfile}} {
			if file[1] == "" {
				continue
			}
			if err := w.WriteHeader(&tar.Header{Name: file[0], Mode: 0o644, Size: int64(len(file[1])), Typeflag: tar.TypeReg}); err != nil {
				return err
			}
			if _, err := w.Write([]byte(file[1])); err != nil {
				return err
			}
		}
		return nil
	}
	return made
}

// receiveMade receives what the form holds in the place of an archive. It is small.
func (a *admin) receiveMade(form *upload) error {
	if len(form.problems) > 0 {
		return nil
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	if err := form.made.pack(w); err != nil {
		return fmt.Errorf("pack %s: %w", form.made.name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack %s: %w", form.made.name, err)
	}
	received, err := a.uploads.Receive(&packed)
	if err != nil {
		return err
	}
	received.Name = form.made.name
	form.archive = received
	return received.Choose(form.dockerfile)
}

// placeProblems puts what is wrong with an archive that Berth packed beside the field that
// holds it, and at the top of the page what has no field that a person types into.
func (u *upload) placeProblems() {
	if wrong := u.problems[app.FieldBound]; wrong != nil {
		delete(u.problems, app.FieldBound)
		u.problems[""] = wrong
	}
	if wrong := u.problems[fieldArchive]; wrong != nil && u.made != nil && u.held == nil {
		delete(u.problems, fieldArchive)
		u.problems[u.made.field] = wrong
	}
}

func severalSources() error {
	return problem.Invalid("The form has more than one thing to deploy.", "Send one of them: an archive, files that were pasted, an image or an example.").At(fieldArchive)
}
