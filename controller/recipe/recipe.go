// Package recipe writes a Dockerfile for a project that has none.
package recipe

import (
	"encoding/json"
	"fmt"
	"strings"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/printable"
)

const (
	// ownFolder is the folder of Berth's own files in the build context. The context
	// leaves out an archive's folder of the same name.
	ownFolder = ".berth"
	// Place is the path of a generated Dockerfile in the build context.
	Place = ownFolder + "/Dockerfile"
)

const (
	// User is the user of each generated image: nobody:nogroup in numbers, because an
	// image FROM scratch has no /etc/passwd.
	User = "65534:65534"
	// Port is the TCP port that each generated image exposes.
	Port = 8000
)

// Generated says how to build an app without a Dockerfile. It is shown before the build,
// so that a person can keep and change it.
type Generated struct {
	Kind       string   // the recognised kind of project, such as "Go"
	Dockerfile string   // whole text
	Reasons    []string // whole sentences: a finding, and its consequence
	Site       bool     // Berth's own server serves files, and nothing else answers
	// Below and Extras are the layout of the build context, beside the archive's files.
	Below  string
	Extras []archive.Extra
}

// recipe writes a Dockerfile, one instruction at a time. A value from the project stands
// in it only in three checked forms: a number, a name of plain letters, or a word of a
// JSON array.
type recipe struct {
	kind    string
	reasons []string
	lines   []string
	steps   []string // the keyword of each instruction, in order
	below   string
	site    bool
	extras  []archive.Extra
	kept    []string // patterns of files that ignoredAlways leaves out and this build reads
}

func newRecipe(kind string) *recipe { return &recipe{kind: kind} }

// because notes a reason, a whole sentence.
func (r *recipe) because(format string, values ...any) {
	if reason := fmt.Sprintf(format, values...); reason != "" {
		r.reasons = append(r.reasons, reason)
	}
}

// add writes one instruction. Its text is one line.
func (r *recipe) add(keyword, text string) {
	if keyword == "FROM" && len(r.steps) > 0 {
		r.lines = append(r.lines, "")
	}
	r.steps = append(r.steps, keyword)
	r.lines = append(r.lines, keyword+" "+text)
}

// words writes an instruction whose text is a JSON array, which no shell reads.
func (r *recipe) words(keyword string, words ...string) {
	r.add(keyword, jsonWords(words))
}

// shell starts a line in a shell, which the app's own image has.
func (r *recipe) shell(line string) { r.words("CMD", "sh", "-c", line) }

// unprivileged writes the last lines of every generated image before its command.
func (r *recipe) unprivileged() {
	r.add("USER", User)
	r.add("EXPOSE", fmt.Sprint(Port))
}

// extra puts a text into the build context and returns its path there.
func (r *recipe) extra(name, text string) string {
	path := ownFolder + "/" + name
	r.extras = append(r.extras, archive.Extra{Path: path, Text: text})
	return path
}

// finish returns the recipe in the form to show and build. It is a bug of Berth if the
// text fails the check of uploaded Dockerfiles.
func (r *recipe) finish() (*Generated, error) {
	text := r.text()
	if _, refusal := dockerfile.Read([]byte(text), dockerfile.Rules{}); refusal != nil {
		return nil, fmt.Errorf("generate Dockerfile: %w", refusal)
	}
	extras := append([]archive.Extra{{Path: Place, Text: text}}, r.extras...)
	return &Generated{Kind: r.kind, Dockerfile: text, Reasons: r.reasons, Below: r.below, Extras: extras, Site: r.site}, nil
}

func (r *recipe) text() string {
	var text strings.Builder
	text.WriteString("# Written by Berth, as the archive has no Dockerfile. Save it there to change it.\n")
	for _, reason := range r.reasons {
		text.WriteString("# " + printable.Replace(reason, '?') + "\n")
	}
	text.WriteString("\n" + strings.Join(r.lines, "\n") + "\n")
	return text.String()
}

// jsonWords is a JSON array of strings on one line, as readable as possible.
func jsonWords(words []string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(words); err != nil {
		panic(err) // strings can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSpace(text.String()), `","`, `", "`)
}
