package images

import (
	"fmt"
	"regexp"
)

// olderSyntax is what an engine says of a Dockerfile that Berth has read without fault: the
// engine is older than an instruction or a flag in it. An old engine takes the lines of a
// heredoc for instructions.
var olderSyntax = regexp.MustCompile(`(?i)dockerfile parse error(?: on)? line (\d+): (unknown flag: \S+|unknown instruction: \S+)`)

func explainOlderEngine(match []string, _ string) (message, hint string) {
	const newer = "Update Docker to version 23 or later, or begin the Dockerfile with the line \"# syntax=docker/dockerfile:1\", where the server can fetch that. "
	return fmt.Sprintf("The engine on the server is too old for line %s of the Dockerfile (%s).", match[1], match[2]),
		newer + "Or write it in the old way: COPY without --link, and RUN a && b in place of <<EOF."
}
