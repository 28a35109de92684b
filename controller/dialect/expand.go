package dialect

import (
	"fmt"
	"regexp"
	"strings"
)

// entry is a variable of a template before its text is made.
type entry struct {
	name string
	raw  string
	line int
	busy bool // its text is being made
	done bool
	text Text
}

// expander turns the raw texts of a template.toml into Texts. It reads each raw text once.
type expander struct {
	form      *form
	variables map[string]*entry // of [variables]
	settings  map[string]*entry // of [config.env]
}

// loose is how a text is read where ${...} can be another language's, as in a file: what
// the template does not know stands as it is.
type strictness bool

const (
	strict strictness = false
	loose  strictness = true
)

// place is where a raw text stands.
type place struct {
	of    *entry // the variable that is being made, or nil
	label string // names the Blanks of generators in the text
	line  int
	most  int // bytes of the text
	strictness
}

// expand replaces each ${...} of raw by what the template gives for it.
func (e *expander) expand(raw string, at place) Text {
	var text Text
	rest := raw
	for {
		before, after, found := strings.Cut(rest, "${")
		text = text.with(literal(before))
		if !found {
			break
		}
		word, behind, closed := strings.Cut(after, "}")
		if !closed {
			text = text.with(literal("${" + after))
			break
		}
		text = text.with(e.word(word, at))
		rest = behind
		if text.size() > at.most {
			e.refuse(at, fmt.Sprintf("The value is larger than %d KB when its variables are put in.", at.most>>10), "Name fewer variables in it.")
			return nil
		}
	}
	if size := text.size(); size > at.most {
		e.refuse(at, fmt.Sprintf("The value is larger than %d KB.", at.most>>10), "Make it smaller.")
		return nil
	}
	if e.form.spent += text.size(); e.form.spent > maxText {
		e.refuse(at, fmt.Sprintf("The values of the template are larger than %d MB together.", maxText>>20), "Make them smaller.")
		return nil
	}
	return text
}

// with appends a text; two literals in a row become one.
func (t Text) with(more Text) Text {
	for _, part := range more {
		if last := len(t) - 1; last >= 0 && part.Blank == "" && t[last].Blank == "" {
			t[last] = Part{Literal: t[last].Literal + part.Literal}
			continue
		}
		t = append(t, part)
	}
	return t
}

func (e *expander) refuse(at place, reason, hint string) {
	e.form.faults.refuse(e.form.source.TemplateName, at.line, reason, hint)
}

var (
	generatorWord = regexp.MustCompile(`^[A-Za-z0-9]+(:.*)?$`)
	composeWord   = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?((?s).*)$`)
)

// word is the text for the inside of one ${...}: a variable of the template, else one of its
// generators, else a variable of its environment as compose reads it.
func (e *expander) word(word string, at place) Text {
	if variable := e.variables[word]; variable != nil && variable != at.of {
		return e.entry(variable, at)
	}
	if generatorWord.MatchString(word) {
		text, known := e.generator(word, at)
		if known {
			return text
		}
	}
	if at.strictness == loose {
		return literal("${" + word + "}")
	}
	match := composeWord.FindStringSubmatch(word)
	if len(match) == 0 || match[2] == "" && match[3] != "" {
		e.refuse(at, fmt.Sprintf("%.60q is no variable and no generator of a template.", "${"+word+"}"),
			"Known are ${password:32}, ${base64:32}, ${hash:32}, ${uuid}, ${username}, ${email}, ${domain}, ${randomPort}, ${timestamp} and ${jwt:secret}, and the names of variables.")
		return nil
	}
	name, sign, other := match[1], match[2], match[3]
	if strings.HasSuffix(sign, "+") {
		other = ""
	}
	setting := e.settings[name]
	switch {
	case setting != nil && !setting.busy && (at.of == nil || setting.name != at.of.name):
		// NAME = "${NAME}", also by way of [variables], asks a person for NAME.
		return e.entry(setting, at)
	case strings.HasSuffix(sign, "-"):
		return literal(other) // read once: a ${ in it stays
	default:
		e.form.note("Line %d of the template names %.60q, which it does not set: an empty text stands in its place.", at.line, name)
		return nil
	}
}

// entry makes the text of a variable once.
func (e *expander) entry(v *entry, at place) Text {
	if v.busy {
		e.refuse(at, fmt.Sprintf("The variable %.60q is made of itself.", v.name), "Break the circle of variables.")
		return nil
	}
	if !v.done {
		v.busy = true
		v.text = e.expand(v.raw, place{of: v, label: v.name, line: v.line, most: maxValue})
		v.busy, v.done = false, true
	}
	return v.text
}
