package compose

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// The bounds on replacing variables in the whole file. Each ${ in a text costs one scan
// of the text, and a short text can name a long value many times.
const (
	maxScan     = 16 << 20
	maxReplaced = 4 << 20
)

// bare is a variable without a default, as far as a note needs it.
var bare = regexp.MustCompile(`(?:^|[^$])\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// variables replaces ${NAME} by the app's values, within bounds.
type variables struct {
	values            map[string]string
	longest           int
	used, missing     map[string]bool
	scanned, replaced int
}

func newVariables(values map[string]string) *variables {
	v := &variables{values: values, used: map[string]bool{}, missing: map[string]bool{}}
	for _, value := range values {
		v.longest = max(v.longest, len(value))
	}
	return v
}

// mapping gives a variable without a value in an environment its value.
func (v *variables) mapping() map[string]string { return maps.Clone(v.values) }

func (v *variables) lookup(name string) (string, bool) {
	value, found := v.values[name]
	v.used[name] = v.used[name] || found
	return value, found
}

// substitute replaces variables like the library, without its log and its unbounded cost.
func (v *variables) substitute(text string, lookup template.Mapping) (string, error) {
	dollars := strings.Count(text, "$")
	if dollars == 0 {
		return text, nil
	}
	v.scanned += dollars * len(text)
	if v.scanned > maxScan || v.replaced+dollars*v.longest > maxReplaced {
		return "", fmt.Errorf("it names more variables, or longer ones, than can be put in")
	}
	v.remark(text)
	replaced, err := template.SubstituteWithOptions(text, lookup, template.WithoutLogging)
	v.replaced += len(replaced)
	return replaced, err
}

// remark records the variables without a default that are not set.
func (v *variables) remark(text string) {
	for _, match := range bare.FindAllStringSubmatch(text, -1) {
		name := match[1] + match[2]
		if _, found := v.values[name]; !found {
			v.missing[name] = true
		}
	}
	for _, match := range required.FindAllStringSubmatch(text, -1) {
		if _, found := v.values[match[1]]; !found {
			v.missing[match[1]] = true
		}
	}
}

// required is a variable that the file demands, with what it says to a person.
var required = regexp.MustCompile(`(?:^|[^$])\$\{([A-Za-z_][A-Za-z0-9_]*):?\?([^}]*)\}`)

// missingIn adds to all the variables that a file names without a default and nobody set.
// If the file was not read to its end, all its names count, not only those that were
// replaced.
func (v *variables) missingIn(s *source, whole bool, all []Missing) []Missing {
	add := func(name, why string, line int) {
		_, given := v.values[name]
		if given || whole && !v.missing[name] || slices.ContainsFunc(all, func(m Missing) bool { return m.Name == name }) {
			return
		}
		all = append(all, Missing{Name: name, Why: strings.TrimSpace(why), File: s.path, Line: line})
	}
	number := 0
	for line := range bytes.Lines(s.text) {
		number++
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			continue
		}
		for _, match := range required.FindAllSubmatch(line, -1) {
			add(string(match[1]), string(match[2]), number)
		}
		for _, match := range bare.FindAllSubmatch(line, -1) {
			add(string(match[1])+string(match[2]), "", number)
		}
	}
	return all
}

// use marks the variables that containers and files use by name, without ${}.
func (v *variables) use(project *types.Project) {
	for _, service := range project.Services {
		for name := range service.Environment {
			v.used[name] = true
		}
		if service.Build != nil {
			for name := range service.Build.Args {
				v.used[name] = true
			}
		}
	}
	for _, secret := range project.Secrets {
		v.used[secret.Environment], v.used[secret.Name] = true, true
	}
	for _, config := range project.Configs {
		v.used[config.Environment] = true
	}
}

func (v *variables) unused() []string {
	var unused []string
	for _, name := range slices.Sorted(maps.Keys(v.values)) {
		if !v.used[name] {
			unused = append(unused, name)
		}
	}
	return unused
}
