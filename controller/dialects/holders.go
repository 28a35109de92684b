package dialects

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"berth/controller/dialect"
	"berth/controller/plan"
)

// holderPrefix begins the names of variables that keep a value for the template's own texts
// alone.
const holderPrefix = "TEMPLATE_"

var notInVariableName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// hold chooses the variable that keeps the value of each blank: the first one that holds
// nothing else. A blank that a file or several texts hold gets a variable of its own.
func (t *template) hold() {
	t.holders, t.own = make(map[string]string), make(map[string]bool)
	taken := make(map[string]bool)
	for _, variable := range t.form.Variables {
		taken[variable.Name] = true
		if len(variable.Value) == 1 && variable.Value[0].Blank != "" && t.holders[variable.Value[0].Blank] == "" {
			t.holders[variable.Value[0].Blank] = variable.Name
		}
	}
	uses := t.uses()
	for _, blank := range t.form.Blanks {
		known := blank.Generator.Kind == dialect.KindHost || blank.Generator.Kind == dialect.KindScheme
		if t.holders[blank.Name] != "" || !uses[blank.Name].file && (known || uses[blank.Name].texts < 2) {
			continue
		}
		name := freeName(blank.Name, taken)
		taken[name], t.own[name], t.holders[blank.Name] = true, true, name
		t.form.Variables = append(t.form.Variables, dialect.Variable{Name: name, Value: dialect.Text{{Blank: blank.Name}}, Secret: blank.Secret, Line: t.lineOf(blank.Name)})
	}
}

func freeName(blank string, taken map[string]bool) string {
	const longest = 100
	base := holderPrefix + strings.ToUpper(strings.Trim(notInVariableName.ReplaceAllString(blank[:min(len(blank), longest)], "_"), "_"))
	name := base
	for i := 2; taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	return name
}

// use says where a blank stands.
type use struct {
	texts int
	file  bool
}

func (t *template) uses() map[string]use {
	uses := make(map[string]use)
	count := func(text dialect.Text, file bool) {
		seen := make(map[string]bool)
		for _, part := range text {
			if part.Blank != "" && !seen[part.Blank] {
				seen[part.Blank] = true
				before := uses[part.Blank]
				uses[part.Blank] = use{before.texts + 1, before.file || file}
			}
		}
	}
	for _, variable := range t.form.Variables {
		count(variable.Value, false)
	}
	for _, blank := range t.form.Blanks {
		count(blank.Key, false)
		count(blank.Payload, false)
	}
	for _, file := range t.form.Files {
		count(file.Content, true)
	}
	return uses
}

// lineOf is the line of the first variable or file that holds the blank.
func (t *template) lineOf(blank string) int {
	holds := func(part dialect.Part) bool { return part.Blank == blank }
	for _, variable := range t.form.Variables {
		if slices.ContainsFunc(variable.Value, holds) {
			return variable.Line
		}
	}
	for _, file := range t.form.Files {
		if slices.ContainsFunc(file.Content, holds) {
			return file.Line
		}
	}
	return 0
}

// withoutOwn returns the options without the variables that no service is to get.
func (t *template) withoutOwn(o plan.Options) plan.Options {
	o.Environment = slices.DeleteFunc(slices.Clone(o.Environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return t.own[name]
	})
	o.Secrets = slices.DeleteFunc(slices.Clone(o.Secrets), func(name string) bool { return t.own[name] })
	return o
}
