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

// hintMissing names all files that Berth looks for.
const hintMissing = "Add a file called Dockerfile beside them that says how to build and start the app, or what an app " +
	"is known by: compose.yaml, index.html for a static site, go.mod, package.json, requirements.txt, pyproject.toml, Pipfile, composer.json or index.php."

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

// refuseMissing says what the archive has at its top in place of a Dockerfile.
func refuseMissing(tree *archive.Tree) *Refusal {
	top, near := survey(tree), nearDockerfiles(tree)
	reason := "The archive has no Dockerfile at its top, which holds " + listing(top) + "."
	if len(near) == 0 {
		return &Refusal{Reason: reason + " Nothing else there says what the app is.", Hint: hintMissing}
	}
	refusal := &Refusal{
		Reason: reason + " It holds " + listing(near) + ".",
		Hint:   fmt.Sprintf("To build with %s, name it in the field \"Dockerfile\" (--dockerfile of berth deploy)", near[0]),
	}
	if folder, _, below := cutLast(near[0]); below {
		refusal.Reason = reason + " There is one further down: " + listing(near) + "."
		refusal.Hint += fmt.Sprintf(", or make the archive of the folder %s alone", folder)
	}
	refusal.Hint += "."
	return refusal
}

// survey returns the names at the top.
func survey(tree *archive.Tree) (top []string) {
	for _, entry := range tree.Entries() {
		_, _, below := cutLast(entry.Path)
		switch {
		case !below && entry.Kind == archive.Directory:
			top = append(top, entry.Path+"/")
		case !below:
			top = append(top, entry.Path)
		}
	}
	return top
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

// cutLast splits a path into its folder and its name; below is false at the top.
func cutLast(path string) (folder, name string, below bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}
