package planner

import (
	"fmt"

	"berth/controller/archive"
	"berth/controller/problem"
)

// The files at the top of an archive that say how to build an app, the most important
// first.
var (
	dockerfiles  = []string{"Dockerfile", "dockerfile"}
	composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
)

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
	all := problem.RefusalsIn(err)
	if !found || len(all) == 0 || all[0].File != compose {
		return err
	}
	first := *all[0]
	first.Hint += fmt.Sprintf(" Without %s in the archive, the app is built from its %s alone.", compose, dockerfile)
	return append(problem.Refusals{&first}, all[1:]...).Err()
}
