package difference

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
)

// leastCovered is the least length of a value that is covered, in bytes: shorter values,
// such as 1 or yes, stand in many texts by chance.
const leastCovered = 4

// cover writes ${NAME} in place of the values of variables, as a compose file does.
type cover struct{ values *strings.Replacer }

func newCover(variables []app.Variable) cover {
	known := slices.DeleteFunc(slices.Clone(variables), func(v app.Variable) bool { return len(v.Value) < leastCovered })
	slices.SortStableFunc(known, func(a, b app.Variable) int { return cmp.Compare(len(b.Value), len(a.Value)) }) // the longest first
	var pairs []string
	for _, variable := range known {
		pairs = append(pairs, variable.Value, "${"+variable.Name+"}")
	}
	return cover{strings.NewReplacer(pairs...)}
}

// text covers the values of plain variables. A plan refers to secrets by their names.
func (c cover) text(text string) string {
	return plan.SecretReferences.ReplaceAllString(c.values.Replace(text), "$${$1}")
}

// words is a command as a person types it.
func (c cover) words(words []string) string {
	shown := make([]string, 0, len(words))
	for _, word := range words {
		word = c.text(word)
		if word == "" || strings.ContainsAny(word, " \t\n\"'") {
			word = strconv.Quote(word)
		}
		shown = append(shown, word)
	}
	return strings.Join(shown, " ")
}
