package planner

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/plan"
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// build plans the build of the service's image, from a folder of the archive.
func (c *composer) build(to *plan.Service, from types.ServiceConfig) error {
	place := []string{"services", from.Name, "build"}
	folder, err := c.archivePath(from.Build.Context, "The build context", place...)
	if err != nil {
		return err
	}
	entry, found := c.tree.Tree.Entry(folder) // no build gets a text
	if folder != "" && (!found || entry.Kind != archive.Directory) {
		return c.refuse(fmt.Sprintf("The archive has no folder %.200s to build %s from.", folder, from.Name), "Correct build.context; it starts where the compose file lies.", place...)
	}
	if from.Build.Target != "" && !stageName.MatchString(from.Build.Target) {
		return c.refuse(fmt.Sprintf("%.60q is not the name of a stage.", from.Build.Target), "Write the name after AS in the Dockerfile.", append(place, "target")...)
	}
	for _, platform := range from.Build.Platforms {
		if !dockerfile.OnThisMachine(platform) {
			return c.refuse(fmt.Sprintf("%.40q is not this machine's platform.", platform), "Remove platforms.", append(place, "platforms")...)
		}
	}
	to.Build = plan.Build{Folder: folder, Target: from.Build.Target}
	if to.Build.Arguments, err = c.arguments(from); err != nil {
		return err
	}
	return c.dockerfile(&to.Build, from)
}

// archivePath turns a path of the compose file into a path of the archive.
func (c *composer) archivePath(text, what string, place ...string) (string, error) {
	switch {
	case strings.Contains(text, "://") || strings.HasPrefix(text, "git@") || strings.HasPrefix(text, "github.com/"):
		return "", c.refuse(what+" is not in the archive.", "Put the files into the archive, and write their path.", place...)
	case strings.HasPrefix(text, "/"), strings.HasPrefix(text, "~"), strings.ContainsAny(text, "\\\x00"), len(text) > 1 && text[1] == ':':
		return "", c.refuse(fmt.Sprintf("%s %.200q is a path of the host.", what, text), "Write a path within the archive, such as ./web.", place...)
	}
	clean := path.Clean(text)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", c.refuse(fmt.Sprintf("%s %.200q lies outside the archive.", what, text), "Write a path within the archive, such as ./web.", place...)
	}
	if clean == "." {
		return "", nil
	}
	return clean, nil
}

// arguments returns the build's arguments; one without a value gets the app's variable.
func (c *composer) arguments(from types.ServiceConfig) (map[string]string, error) {
	arguments := map[string]string{}
	for name, value := range from.Build.Args {
		if plan.SteersBuilder(name) {
			return nil, c.refuse(fmt.Sprintf("The build argument %.60q would steer the build program itself.", name), "Remove it; arguments whose names begin with BUILDKIT_ are not for the Dockerfile.", "services", from.Name, "build", "args")
		}
		if plan.ChoosesProxy(name) {
			return nil, c.refuse(fmt.Sprintf("The build argument %.60q would lead the build through a proxy that its cache does not know of.", name),
				"Remove it; where a step needs a proxy, write ENV or export it in the Dockerfile.", "services", from.Name, "build", "args")
		}
		if value == nil {
			continue
		}
		if plan.RefersToSecret(*value) {
			return nil, c.refuse(fmt.Sprintf("The build argument %.60q holds a secret, and arguments stay in the image's history.", name), "Give the secret to the service under environment or secrets.", "services", from.Name, "build", "args")
		}
		arguments[name] = *value
	}
	return arguments, nil
}

// dockerfile reads and checks the Dockerfile: in the context, elsewhere in the
// archive, or in the compose file itself.
func (c *composer) dockerfile(to *plan.Build, from types.ServiceConfig) error {
	place := []string{"services", from.Name, "build"}
	inArchive, text := "", []byte(from.Build.DockerfileInline)
	if from.Build.DockerfileInline == "" {
		file := from.Build.Dockerfile
		if file == "" {
			file = "Dockerfile"
		}
		var err error
		if inArchive, err = c.archivePath(path.Join(to.Folder, relative(file)), "The Dockerfile", append(place, "dockerfile")...); err != nil {
			return err
		}
		inArchive = c.tree.Follow(inArchive)
		inArchive = c.tree.Follow(inArchive)
		if _, found := c.tree.Tree.Entry(inArchive); !found {
			return c.refuse(fmt.Sprintf("The archive has no Dockerfile %.200s to build %s with.", inArchive, from.Name), "Add it, or correct build; the path starts at the build context.", place...)
		}
		if text, err = c.tree.Tree.ReadFile(c.ctx, inArchive, dockerfile.MostBytes); err != nil {
			return err
		}
	}
	if refusal := to.Take(text, c.options); refusal != nil {
		refusal.File = inArchive
		if inArchive == "" {
			refusal.File, refusal.Line = c.file.Place(append(place, "dockerfile_inline")...)
		}
		return refusal
	}
	within, inside := strings.CutPrefix("/"+inArchive, strings.TrimSuffix("/"+to.Folder, "/")+"/")
	if inside && inArchive != "" {
		to.Dockerfile = within
	} else {
		to.Dockerfile, to.Text = generatedDockerfile, string(text)
	}
	var err error
	to.Keep, err = dockerfile.Context(c.ctx, c.tree.Tree, to.Folder, to.Dockerfile)
	if refusal, ok := errors.AsType[*plan.Refusal](err); ok {
		return refusal
	}
	return err
}

// relative refuses an absolute path, before joining makes it look innocent.
func relative(file string) string {
	if strings.HasPrefix(file, "/") {
		return "../../" + file
	}
	return file
}

// generatedDockerfile is the path in the context of a Dockerfile that the archive does
// not have there.
const generatedDockerfile = ".berth/Dockerfile"
