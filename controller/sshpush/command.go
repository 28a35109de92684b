package sshpush

import (
	"regexp"
	"strings"

	"berth/controller/problem"
)

const longestCommand = 200

// pushCommand is the one command that git runs on a server to push, with a path in the
// quotes that git writes. A path has no folder but the one that HTTPS has.
var pushCommand = regexp.MustCompile(`^git[- ]receive-pack ('?)/?(?:git/)?([^/'\\]+)\.git/?('?)$`)

// parseCommand returns the app that a client wants to push to. What it wants instead is
// refused with a Problem.
func parseCommand(text string) (app string, err error) {
	if len(text) > longestCommand {
		return "", problem.Malformed(noShell, "")
	}
	if parts := pushCommand.FindStringSubmatch(text); len(parts) == 4 && parts[1] == parts[3] {
		return parts[2], nil
	}
	verb, _, _ := strings.Cut(strings.Replace(text, "git ", "git-", 1), " ")
	switch verb {
	case "git-receive-pack":
		return "", problem.Malformed("This cannot be the repository of an app. Push to ssh://git@HOST:PORT/APP.git. APP is the name of the app.", "")
	case "git-upload-pack", "git-upload-archive":
		return "", problem.Invalid("Berth takes pushes, and gives nothing back. Fetch and clone from where your repository is kept.", "")
	default:
		return "", problem.Malformed(noShell, "")
	}
}
