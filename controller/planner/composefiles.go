package planner

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
)

const (
	fileBytes     = 512 << 10 // of one config or secret, as in the specification's own engine
	allFilesBytes = 4 << 20   // of one service
)

// configs returns the files that become part of the service's image.
func (c *composer) configs(to *plan.Service, from types.ServiceConfig) error {
	for i, use := range from.Configs {
		place := []string{"services", from.Name, "configs", strconv.Itoa(i)}
		config := types.FileObjectConfig(c.file.Project.Configs[use.Source])
		file := plan.File{Path: use.Target}
		if file.Path == "" {
			file.Path = "/" + use.Source
		}
		if refusal := c.fileTarget(to, &file, true, place...); refusal != nil {
			return refusal
		}
		var err error
		if file.Content, err = c.content(config, "configs", use.Source); err != nil {
			return err
		}
		add := c.addFile
		if source, err := c.archivePath(config.File, "The file"); err == nil && config.File != "" && c.tree.holdsSecret(source) {
			add = func(to *plan.Service, file plan.File, use types.FileReferenceConfig, place ...string) error {
				return c.addLinked(to, file, source, use, place...)
			}
		}
		if err := add(to, file, types.FileReferenceConfig(use), place...); err != nil {
			return err
		}
	}
	return nil
}

// secrets returns the files that exist only in memory.
func (c *composer) secrets(to *plan.Service, from types.ServiceConfig) error {
	for i, use := range from.Secrets {
		place := []string{"services", from.Name, "secrets", strconv.Itoa(i)}
		secret := types.FileObjectConfig(c.file.Project.Secrets[use.Source])
		target := use.Target
		if target == "" {
			target = use.Source
		}
		if !strings.HasPrefix(target, "/") {
			target = plan.SecretsFolder + "/" + target
		}
		file := plan.File{Path: path.Clean(target), Private: true}
		if path.Dir(file.Path) != plan.SecretsFolder {
			return c.refuse(fmt.Sprintf("The secret %.60s would lie at %.80s, and secrets lie in %s alone.", use.Source, target, plan.SecretsFolder), "Write a plain name as target, and let the app read it there.", place...)
		}
		var err error
		if file.Content, err = c.secretContent(secret, use.Source); err != nil {
			return err
		}
		if err := c.addFile(to, file, types.FileReferenceConfig(use), place...); err != nil {
			return err
		}
	}
	return nil
}

func (c *composer) secretContent(secret types.FileObjectConfig, name string) ([]byte, error) {
	if !secret.External {
		return c.content(secret, "secrets", name)
	}
	known := secret.Name
	if known == "" {
		known = name
	}
	if !slices.Contains(c.options.Secrets, known) {
		return nil, c.refuse(fmt.Sprintf("The variable %.60s has no value: the app has no secret %.60q in Berth.", known, known), "Save a secret of that name for the app, then deploy again.", "secrets", name)
	}
	return []byte(plan.SecretReference(known)), nil
}

// content returns a config or secret from the archive or the app's variables.
func (c *composer) content(object types.FileObjectConfig, kind, name string) ([]byte, error) {
	switch {
	case object.Environment != "":
		if object.Content == "" && !c.hasVariable(object.Environment) {
			return nil, c.refuse(fmt.Sprintf("The variable %.60s has no value.", object.Environment), "Give it a value among the app's variables, or as a secret of the app.", kind, name, "environment")
		}
		return []byte(object.Content), nil
	case object.File != "":
		inArchive, err := c.archivePath(object.File, "The file", kind, name, "file")
		if err != nil {
			return nil, err
		}
		if _, found := c.tree.Entry(inArchive); !found {
			return nil, c.refuse(fmt.Sprintf("The archive has no file %.200s.", inArchive), "Add it to the archive, or correct the path; it starts where the compose file lies.", kind, name, "file")
		}
		return c.tree.ReadFile(c.ctx, inArchive, fileBytes)
	default:
		return []byte(object.Content), nil
	}
}

func (c *composer) hasVariable(name string) bool {
	return slices.Contains(c.options.Secrets, name) ||
		slices.ContainsFunc(c.options.Environment, func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

// fileTarget refuses places that hide a file of the image, or where a file would make
// another user or program of it. shown refuses what a volume hides; without it, a new
// volume is filled with the file.
func (c *composer) fileTarget(to *plan.Service, file *plan.File, shown bool, place ...string) *plan.Refusal {
	clean := path.Clean(file.Path)
	trees := ownedTrees
	if shown {
		trees = append([]string{"/tmp"}, ownedTrees...)
	}
	hidden := slices.ContainsFunc(trees, func(tree string) bool { return plan.IsBelow(clean, tree) }) ||
		slices.Contains([]string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}, clean) ||
		shown && slices.ContainsFunc(to.Mounts, func(m plan.Mount) bool { return plan.IsBelow(clean, m.Target) }) ||
		slices.ContainsFunc(to.Tmpfs, func(t plan.Tmpfs) bool { return plan.IsBelow(clean, t.Target) })
	if !strings.HasPrefix(file.Path, "/") || len(clean) > 1024 || strings.ContainsAny(clean, "\x00\\") || hidden || slices.Contains(ownedFolders, clean) || replacesIdentity(clean) {
		return c.refuse(fmt.Sprintf("No file can lie at %.80q.", file.Path), "Write an absolute path of a file that no volume, tmpfs or system folder hides, and that does not say who the users are.", place...)
	}
	file.Path = clean
	return nil
}

func (c *composer) addFile(to *plan.Service, file plan.File, use types.FileReferenceConfig, place ...string) error {
	file.UID, file.GID, file.Mode = use.UID, use.GID, 0o444
	if use.Mode != nil {
		file.Mode = fs.FileMode(*use.Mode)
	}
	if file.Mode&^0o777 != 0 || !isNumber(use.UID) || !isNumber(use.GID) {
		return c.refuse(fmt.Sprintf("The owner or the mode of %.80s cannot be read.", file.Path), "Write uid and gid as numbers, and the mode such as 0440.", place...)
	}
	if c.placed[file.Path] {
		return c.refuse(fmt.Sprintf("Two files lie at %.80s.", file.Path), "Give one of them another target.", place...)
	}
	if len(file.Content) > fileBytes || c.placedBytes+len(file.Content) > allFilesBytes {
		return c.refuse(fmt.Sprintf("The configs and secrets of %s are too large: %d KB each and %d MB together are the most.", to.Name, fileBytes>>10, allFilesBytes>>20), "Put large files into the image or into a volume.", place...)
	}
	c.placed[file.Path] = true
	c.placedBytes += len(file.Content)
	to.Files = append(to.Files, file)
	return nil
}

func isNumber(text string) bool {
	if text == "" {
		return true
	}
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}
