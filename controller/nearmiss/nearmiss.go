// Package nearmiss finds the files of an archive that a person means as its Dockerfile.
package nearmiss

import (
	"context"
	"fmt"
	"path"
	"strings"

	"berth/controller/archive"
	"berth/controller/problem"
)

// usual is the name that everybody expects.
const usual = "Dockerfile"

// hintMissing names all files that Berth looks for.
const hintMissing = "Add a file called Dockerfile beside them that says how to build and start the app, or what an app " +
	"is known by: compose.yaml, index.html for a static site, go.mod, package.json, requirements.txt, pyproject.toml, Pipfile, composer.json or index.php."

// mostNamed is the most files in a sentence.
const mostNamed = 5

// Misspelt returns the file at the top whose name differs from Dockerfile in its case
// alone. An archive has one such file at most.
func Misspelt(tree *archive.Tree) (string, bool) {
	for _, entry := range tree.Entries() {
		if strings.EqualFold(entry.Path, usual) && entry.Kind != archive.Directory {
			return entry.Path, true
		}
	}
	return "", false
}

// Find returns the paths of all Dockerfiles: of that name at the top or in a folder, or of
// a name such as Dockerfile.prod or web.Dockerfile.
func Find(tree *archive.Tree) []string {
	var near []string
	for _, entry := range tree.Entries() {
		name := strings.ToLower(path.Base(entry.Path))
		like := name == "dockerfile" || strings.HasPrefix(name, "dockerfile.") || strings.HasSuffix(name, ".dockerfile")
		if like && entry.Kind != archive.Directory && !strings.HasSuffix(name, ".dockerignore") {
			near = append(near, entry.Path)
		}
	}
	return near
}

// Unused returns the note on the Dockerfiles of an archive that is built without them; none
// if it has none.
func Unused(tree *archive.Tree) []string {
	near := Find(tree)
	if len(near) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Berth does not build with %s. To build with such a file, name it in the field \"Dockerfile\".", list(near))}
}

// Refuse says what the archive has in place of a Dockerfile at its top.
func Refuse(tree *archive.Tree) *problem.Refusal {
	reason := "The archive has no Dockerfile at its top, which holds " + list(top(tree)) + "."
	near := Find(tree)
	if len(near) == 0 {
		return &problem.Refusal{Reason: reason + " Nothing else there says what the app is.", Hint: hintMissing}
	}
	where, alone := " It holds "+list(near)+".", ""
	if folder := path.Dir(near[0]); folder != "." {
		where = " There is one further down: " + list(near) + "."
		alone = fmt.Sprintf(", or make the archive of the folder %s alone", folder)
	}
	return &problem.Refusal{
		Reason: reason + where,
		Offer:  problem.OfferDockerfile, Subject: strings.Join(near, ","),
		Hint: fmt.Sprintf("To build with %s, name it in the field \"Dockerfile\" (--dockerfile of berth deploy)%s.", near[0], alone),
	}
}

// Read reads the Dockerfile at a path, of at most maxBytes, and returns its path. If it is a
// symbolic link in the archive, also one that git wrote on Windows as a file with its
// target, it reads what the link leads to. The error is that of the tree's ReadFile.
func Read(ctx context.Context, tree *archive.Tree, at string, maxBytes int64) (file string, text []byte, err error) {
	file = tree.Follow(at)
	if text, err = tree.ReadFile(ctx, file, maxBytes); err != nil {
		return file, nil, err
	}
	target := strings.TrimSpace(string(text))
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \t\r\n") {
		return file, text, nil
	}
	linked := tree.Follow(path.Join(path.Dir(file), target))
	if entry, found := tree.Entry(linked); !found || entry.Kind != archive.File {
		return file, text, nil
	}
	text, err = tree.ReadFile(ctx, linked, maxBytes)
	return linked, text, err
}

// top returns the names at the top.
func top(tree *archive.Tree) []string {
	var names []string
	for _, entry := range tree.Entries() {
		switch {
		case strings.Contains(entry.Path, "/"):
		case entry.Kind == archive.Directory:
			names = append(names, entry.Path+"/")
		default:
			names = append(names, entry.Path)
		}
	}
	return names
}

// list joins names for a sentence.
func list(names []string) string {
	if len(names) > mostNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
