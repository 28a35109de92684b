package dockerfile

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"berth/controller/problem"
)

// variableName matches the names that a secret of an app can have.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checker checks the instructions of one Dockerfile, one after the other.
type checker struct {
	secrets []string // of the app, by name
	asked   []string // those that RUN --mount=type=secret names
}

// secretMount takes a secret of the app, or refuses what the app does not have.
func (c *checker) secretMount(mount *instructions.Mount, line int) *problem.Refusal {
	id := mount.CacheID
	if mount.Source != "" {
		id = mount.Source
	}
	if id == "" && mount.Target != "" {
		id = path.Base(mount.Target)
	}
	if slices.Contains(c.secrets, id) {
		c.asked = append(c.asked, id)
		return nil
	}
	if !variableName.MatchString(id) {
		return &problem.Refusal{
			Line:   line,
			Reason: fmt.Sprintf("RUN --mount=type=secret asks for the secret %.60q, and no secret of an app can have that name.", id),
			Hint:   "Write an id of letters, digits and underscores, such as id=NPM_TOKEN, and save a secret of that name for the app.",
		}
	}
	return &problem.Refusal{
		Line:   line,
		Reason: fmt.Sprintf("The variable %.128s has no value as a secret of the app, and RUN --mount=type=secret asks for it.", id),
		Hint:   fmt.Sprintf("Save a secret %.128s for the app: the build reads it from memory, and the image does not hold it.", id),
	}
}

// Arguments returns the names that a Dockerfile declares with ARG, each once; none where
// it cannot be read.
func Arguments(text []byte) []string {
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	stages, meta, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil
	}
	var names []string
	note := func(argument *instructions.ArgCommand) {
		for _, pair := range argument.Args {
			names = append(names, pair.Key)
		}
	}
	for i := range meta {
		note(&meta[i])
	}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if argument, ok := command.(*instructions.ArgCommand); ok {
				note(argument)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
