// Package entrypoint reads how the services of an archive begin, as far as that is a script
// in it.
package entrypoint

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"

	"berth/controller/archive"
	"berth/controller/plan"
)

const (
	scriptBytes = 64 << 10 // of an entry point that is read
	mostScripts = 8
)

// dropsRoot finds a program that drops root in a script.
var dropsRoot = regexp.MustCompile(`(?m)^[^#\n]*\b(gosu|su-exec|setpriv|chpst|s6-setuidgid|runuser)\b`)

// Read notes which services begin with a script of the archive that drops
// root. The Dockerfile says where a script comes to lie, and not where it lies in the
// archive, so any file of its name counts.
func Read(ctx context.Context, tree *archive.Tree, made plan.Plan) error {
	scripts := make(map[string][]string) // by name
	for _, service := range made.Services {
		if name := scriptOf(service); name != "" {
			scripts[name] = nil
		}
	}
	if len(scripts) == 0 {
		return nil
	}
	var paths []string
	for _, entry := range tree.Entries() {
		if _, wanted := scripts[path.Base(entry.Path)]; wanted && entry.Kind == archive.File && entry.Size <= scriptBytes && len(paths) < mostScripts {
			paths = append(paths, entry.Path)
		}
	}
	texts, err := tree.ReadFiles(ctx, paths, scriptBytes)
	if err != nil {
		return err
	}
	for i, service := range made.Services {
		for _, file := range paths {
			if found := dropsRoot.FindSubmatch(texts[file]); found != nil && path.Base(file) == scriptOf(service) {
				made.Services[i].Build.Start.StepDown = string(found[1])
			}
		}
	}
	return nil
}

// scriptOf is the plain name of the program that a built service begins with, if nothing
// is known yet of how it drops root.
func scriptOf(service plan.Service) string {
	start := service.Build.Start
	switch {
	case service.Image != "" || service.Entrypoint != nil || start.StepDown != "":
		return ""
	case len(start.Entrypoint) > 0:
		return path.Base(start.Entrypoint[0])
	case len(start.Command) > 0:
		return path.Base(start.Command[0])
	default:
		return ""
	}
}

// Unknown says which names of a security exception are no services.
func Unknown(made plan.Plan, names []string) []string {
	var notes []string
	for _, name := range names {
		is := func(service plan.Service) bool { return service.Name == name }
		if len(made.Services) > 0 && !slices.ContainsFunc(made.Services, is) {
			notes = append(notes, fmt.Sprintf("The security exception \"root start\" names %s, which is no service here, so nothing has it by that name.", name))
		}
	}
	return notes
}
