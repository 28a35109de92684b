package uploads

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"berth/controller/problem"
)

// suffix ends the name of every file in the folder.
const suffix = ".upload"

// longestChoice is the most bytes of a path that is chosen: it becomes a part of a file's
// name.
const longestChoice = 150

// ParseDockerfile reads the path of the Dockerfile in an archive, as a person types it. An
// empty text chooses none.
func ParseDockerfile(text string) (string, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "./")
	switch {
	case text == "":
		return "", nil
	case len(text) > longestChoice:
		return "", problem.Invalid(fmt.Sprintf("The path of the Dockerfile is longer than %d bytes.", longestChoice), "Move the file, or give it a shorter name.").At("dockerfile")
	case path.Clean(text) != text || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "../") || text == "." || text == "..":
		return "", problem.Invalid(fmt.Sprintf("%.80q is not a path in the archive.", text), "Write it as it is in the archive, such as docker/Dockerfile.").At("dockerfile")
	}
	return text, nil
}

// Choose makes a path of ParseDockerfile the Dockerfile of the archive, for as long as the
// archive is kept: its file's name says it from now on.
func (a *Archive) Choose(dockerfile string) error {
	if a == nil || a.file == "" || dockerfile == "" {
		return nil
	}
	id, _, _ := strings.Cut(a.file, ".")
	name := id + "." + base64.RawURLEncoding.EncodeToString([]byte(dockerfile)) + suffix
	if name == a.file {
		return nil
	}
	a.folder.mine.Store(name, true)
	if err := a.folder.root.Rename(a.file, name); err != nil {
		a.folder.mine.Delete(name)
		return fmt.Errorf("keep the choice of a Dockerfile: %w", err)
	}
	a.folder.mine.Delete(a.file)
	a.file = name
	return nil
}

// chosenOf returns the Dockerfile that was chosen for a file of the folder; empty for none.
func chosenOf(file string) string {
	_, choice, _ := strings.Cut(strings.TrimSuffix(file, suffix), ".")
	text, err := base64.RawURLEncoding.DecodeString(choice)
	if err != nil {
		return ""
	}
	return string(text)
}
