package plan

import (
	"errors"
	"fmt"
	"strings"

	"berth/controller/archive"
)

// The files at the top of an archive that say how to build an app, the most important
// first.
var (
	dockerfiles  = []string{"Dockerfile", "dockerfile"}
	composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
)

// mostNamed is the most files in a refusal, so that it stays one sentence.
const mostNamed = 5

// findFile returns the first of names that the top of the archive has.
func findFile(tree *archive.Tree, names []string) (string, bool) {
	for _, name := range names {
		if _, found := tree.Entry(name); found {
			return name, true
		}
	}
	return "", false
}

// besideDockerfile adds to a refusal of a compose file how to do without the compose
// file.
func besideDockerfile(tree *archive.Tree, compose string, err error) error {
	dockerfile, found := findFile(tree, dockerfiles)
	refusal, refused := errors.AsType[*Refusal](err)
	if !found || !refused || refusal.File != compose {
		return err
	}
	with := *refusal
	with.Hint += fmt.Sprintf(" Without %s in the archive, the app is built from its %s alone.", compose, dockerfile)
	return &with
}

// listing joins names for a sentence.
func listing(names []string) string {
	if len(names) > mostNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
