package planner

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"berth/controller/archive"
	"berth/controller/nearmiss"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/recipe"
)

// mostOffered is how many compose files of an archive a refusal names.
const mostOffered = 20

// ComposeFiles returns the compose files that From would read, the later of which change
// the first. There are none if another file says what the app is, or if a person has to
// choose.
func ComposeFiles(ctx context.Context, tree *archive.Tree, o plan.Options) []string {
	if tree.Dockerfile() != "" {
		return nil
	}
	if len(o.Compose) > 0 {
		return o.Compose
	}
	if compose, found := findFile(tree, composeFiles); found {
		return []string{compose}
	}
	if _, found := findFile(tree, dockerfiles); found {
		return nil
	}
	if _, found := nearmiss.Misspelt(tree); found {
		return nil
	}
	if below := composeFilesIn(tree); len(below) == 1 && !recipe.Knows(ctx, tree) {
		return below
	}
	return nil
}

// fromChosen plans an app from the compose files that a person chose.
func fromChosen(ctx context.Context, tree *archive.Tree, o plan.Options) (plan.Plan, error) {
	var faults problem.Refusals
	for _, name := range o.Compose {
		if entry, found := tree.Entry(name); !found || entry.Kind != archive.File {
			faults = append(faults, offerCompose(fmt.Sprintf("The archive has no file %.200s, which is chosen as a compose file.", printable.Replace(name, '?')), composeFilesIn(tree)))
		}
	}
	if err := faults.Err(); err != nil {
		return plan.Plan{}, err
	}
	return fromCompose(ctx, tree, o.Compose, o)
}

// fromBelow plans an app from the one compose file that the archive has in a folder.
func fromBelow(ctx context.Context, tree *archive.Tree, below []string, o plan.Options) (plan.Plan, error) {
	if len(below) > 1 {
		return plan.Plan{}, offerCompose("Which compose file is the app's? The top of the archive has none.", below)
	}
	return fromCompose(ctx, tree, below, o)
}

func offerCompose(reason string, found []string) *plan.Refusal {
	if len(found) == 0 {
		return &plan.Refusal{Reason: reason, Hint: "Add the file to the archive, or choose no compose file."}
	}
	hint := fmt.Sprintf("Choose among the compose files that the archive has: %s.", printable.List(found))
	if len(found) > mostOffered {
		hint = fmt.Sprintf("Choose among the %d compose files that the archive has, such as %s.", len(found), printable.List(found[:mostOffered]))
		found = found[:mostOffered]
	}
	return &plan.Refusal{Reason: reason, Hint: hint, Offer: problem.OfferCompose, Subject: strings.Join(found, ",")}
}

// composeFilesIn returns the compose files of all folders, one of each, those near the top
// first. Folders of tools and of dependencies do not count.
func composeFilesIn(tree *archive.Tree) []string {
	var found []string
	known := map[string]bool{}
	for _, name := range composeFiles {
		for _, entry := range tree.Entries() {
			folder := path.Dir(entry.Path)
			if entry.Kind == archive.File && path.Base(entry.Path) == name && !known[folder] && !ofTools(folder) {
				known[folder] = true
				found = append(found, entry.Path)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		if deeper := strings.Count(a, "/") - strings.Count(b, "/"); deeper != 0 {
			return deeper
		}
		return strings.Compare(a, b)
	})
	return found
}

func ofTools(folder string) bool {
	return slices.ContainsFunc(strings.Split(folder, "/"), func(part string) bool {
		return part == "node_modules" || part == "vendor" || strings.HasPrefix(part, ".") && part != "."
	})
}
