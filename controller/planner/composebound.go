package planner

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/archive"
	"berth/controller/plan"
)

// boundFolder has the volumes of single files, which stand behind links.
const boundFolder = "/.berth/bound"

// boundAs says what becomes of a file or folder of the archive that a service mounts: what
// a person chose, else what is likely. It notes the choice for the plan, if there is one.
func (c *composer) boundAs(b bind, source string, folder bool, likely plan.BoundAs) plan.BoundAs {
	made := plan.Bound{Service: b.to.Name, Target: path.Clean(b.Target), Source: source, Folder: folder, As: likely}
	chosen, given := c.options.Bound[made.Key()]
	if given {
		made.As = chosen
		c.used = append(c.used, made.Key())
	}
	if given || !folder || c.canMount(b) {
		c.bound = append(c.bound, made)
	}
	return made.As
}

// canMount reports whether a volume can be mounted in place of the bind.
func (c *composer) canMount(b bind) bool {
	target, err := c.mountTarget(b.to, b.Target, b.place...)
	if err == nil {
		_, err = plan.ParseMountTarget(target)
	}
	return err == nil
}

// noteUnusedChoices says which choices are about nothing that the services mount.
func (c *composer) noteUnusedChoices() {
	for _, key := range slices.Sorted(maps.Keys(c.options.Bound)) {
		if !slices.Contains(c.used, key) {
			c.note("The choice between image and volume for %.200s is not used: no service mounts a file or a folder with files of the archive there.", key)
		}
	}
}

// bindFileVolume fills a volume with a file of the archive, and puts a link to it in its
// place: a volume has no single file.
func (c *composer) bindFileVolume(b bind, entry archive.Entry, content []byte) error {
	link := plan.File{Path: b.Target}
	if refusal := c.fileTarget(b.to, &link, false, b.place...); refusal != nil {
		return refusal
	}
	volume := c.volumeFor(b.Source)
	mount := plan.Mount{Volume: volume, Target: boundFolder + "/" + volume, ReadOnly: b.ReadOnly}
	link.Link = mount.Target + "/" + notInFileName.ReplaceAllString(path.Base(entry.Path), "-")
	if !c.placed[link.Link] {
		mode := types.FileMode(fs.FileMode(0o444) | entry.Mode&0o111)
		if err := c.addFile(b.to, plan.File{Path: link.Link, Content: content}, types.FileReferenceConfig{Mode: &mode}, b.place...); err != nil {
			return err
		}
		b.to.Mounts = append(b.to.Mounts, mount)
	}
	c.note("%s of %s lies in the volume %s, filled from %s at the first release; a link stands in its place. Later changes of that file in the archive do not reach it.", link.Path, b.to.Name, volume, entry.Path)
	return c.addFile(b.to, link, types.FileReferenceConfig{}, b.place...)
}

// largeFolder leaves out a folder that the image is built from, and refuses another.
func (c *composer) largeFolder(b bind, folder string) error {
	if c.isBuiltFrom(b, folder) {
		c.note("The folder %s is not mounted into %s: its image is built from there.", c.orTop(folder), b.to.Name)
		return nil
	}
	return c.refuse(fmt.Sprintf("The folder %.200s that %s mounts holds, with what it mounts before, more than %d files or %d MB.", c.orTop(folder), b.to.Name, mostBindFiles, allFilesBytes>>20),
		"Build an image that has it, with COPY, or use a named volume and upload the files.", b.place...)
}
