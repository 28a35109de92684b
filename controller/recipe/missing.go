package recipe

import (
	"fmt"
	"strings"

	"berth/controller/archive"
	"berth/controller/printable"
	"berth/controller/problem"
)

// hintMissing names all files that Berth looks for.
const hintMissing = "Add a file called Dockerfile beside them that says how to build and start the app, or what an app " +
	"is known by: compose.yaml, index.html for a static site, go.mod, package.json, requirements.txt, pyproject.toml, Pipfile, composer.json or index.php."

// refuseMissing says what the archive has at its top in place of a Dockerfile.
func refuseMissing(tree *archive.Tree) *problem.Refusal {
	top, deeper := survey(tree)
	reason := "The archive has no Dockerfile at its top, which holds " + printable.List(top) + "."
	if len(deeper) == 0 {
		return &problem.Refusal{Reason: reason + " Nothing else there says what the app is.", Hint: hintMissing}
	}
	folder, _, _ := cutLast(deeper[0])
	return &problem.Refusal{
		Reason: reason + " There is one further down: " + printable.List(deeper) + ".",
		Hint:   fmt.Sprintf("Make the archive of the folder %s alone, or move its Dockerfile to the top.", folder),
	}
}

// survey returns the names at the top and the paths of Dockerfiles below it.
func survey(tree *archive.Tree) (top, deeper []string) {
	for _, entry := range tree.Entries() {
		_, name, below := cutLast(entry.Path)
		switch {
		case !below && entry.Kind == archive.Directory:
			top = append(top, entry.Path+"/")
		case !below:
			top = append(top, entry.Path)
		case entry.Kind == archive.File && strings.EqualFold(name, "Dockerfile"):
			deeper = append(deeper, entry.Path)
		}
	}
	return top, deeper
}

// cutLast splits a path into its folder and its name; below is false at the top.
func cutLast(path string) (folder, name string, below bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}
