package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"berth/controller/archive"
	"berth/controller/printable"
)

const (
	// ownFolder is where the build context holds what Berth adds. An archive's own
	// folder of that name stays out of the context.
	ownFolder = ".berth"
	// ownDockerfile is where the builder finds a generated Dockerfile.
	ownDockerfile = ownFolder + "/Dockerfile"
)

// Generated is how an app without a Dockerfile is built: shown before the build,
// so that a person can keep it and change it.
type Generated struct {
	Kind       string   // what the archive was taken for, such as "Go"
	Dockerfile string   // whole text
	Reasons    []string // whole sentences: what was found, and what follows
	// Layout is what the build context holds, beside what Build.Keep says of the archive.
	Below  string
	Extras []archive.Extra
}

// recipe writes a Dockerfile, one instruction at a time. What comes from the
// project stands in it in three forms only, each checked before: a number, a name
// of plain letters, and a word of a JSON array.
type recipe struct {
	kind    string
	reasons []string
	lines   []string
	steps   []string // the keyword of each instruction, in order
	below   string
	extras  []archive.Extra
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

// unprivileged says what every generated image ends with, before its command.
func (r *recipe) unprivileged() {
	r.add("USER", Nobody)
	r.add("EXPOSE", fmt.Sprint(defaultPort))
}

// extra puts a text into the build context and returns its path there.
func (r *recipe) extra(name, text string) string {
	path := ownFolder + "/" + name
	r.extras = append(r.extras, archive.Extra{Path: path, Text: text})
	return path
}

// finish returns the recipe as it is shown and built. It is an error of the
// program when the text does not pass what an uploaded Dockerfile must pass.
func (r *recipe) finish() (*Generated, error) {
	text := r.text()
	if _, refusal := checkDockerfile([]byte(text)); refusal != nil {
		return nil, fmt.Errorf("generate Dockerfile: %w", refusal)
	}
	extras := append([]archive.Extra{{Path: ownDockerfile, Text: text}}, r.extras...)
	return &Generated{Kind: r.kind, Dockerfile: text, Reasons: r.reasons, Below: r.below, Extras: extras}, nil
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

// jsonWords is a JSON array of strings on one line, readable where it can be.
func jsonWords(words []string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(words); err != nil {
		panic(err) // strings can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSpace(text.String()), `","`, `", "`)
}
