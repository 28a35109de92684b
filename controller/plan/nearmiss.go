package plan

import (
	"fmt"
	"strings"

	"berth/controller/archive"
)

// misspelt returns the file at the top whose name differs from Dockerfile in its case
// alone. An archive has one such file at most.
func misspelt(tree *archive.Tree) (string, bool) {
	for _, entry := range tree.Entries() {
		if strings.EqualFold(entry.Path, dockerfiles[0]) && entry.Kind != archive.Directory {
			return entry.Path, true
		}
	}
	return "", false
}

// nearDockerfiles are the files that a person may mean as the Dockerfile: of that name in a
// folder, or of a name such as Dockerfile.prod or web.Dockerfile.
func nearDockerfiles(tree *archive.Tree) []string {
	var near []string
	for _, entry := range tree.Entries() {
		_, name, _ := cutLast(strings.ToLower(entry.Path))
		like := name == "dockerfile" || strings.HasPrefix(name, "dockerfile.") || strings.HasSuffix(name, ".dockerfile")
		if like && entry.Kind != archive.Directory && !strings.HasSuffix(name, ignoreFile) {
			near = append(near, entry.Path)
		}
	}
	return near
}

// unused is the note on the Dockerfiles that Berth does not build with.
func unused(tree *archive.Tree) []string {
	near := nearDockerfiles(tree)
	if len(near) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Berth does not build with %s. To build with such a file, name it in the field \"Dockerfile\".", listing(near))}
}
