package planner

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
)

var notInFileName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// addLinked gives a service a file with secrets of the app in it: the file exists only in
// memory, and a link stands in its place. source is its path in the archive.
func (c *composer) addLinked(to *plan.Service, file plan.File, source string, use types.FileReferenceConfig, place ...string) error {
	known := slices.IndexFunc(to.Files, func(other plan.File) bool { return other.Private && bytes.Equal(other.Content, file.Content) })
	private := plan.File{Content: file.Content, Private: true}
	if known >= 0 {
		private = to.Files[known]
	} else {
		private.Path = c.privatePath(source)
		if err := c.addFile(to, private, use, place...); err != nil {
			return err
		}
	}
	link := plan.File{Path: file.Path, Link: private.Path}
	return c.addFile(to, link, types.FileReferenceConfig{}, place...)
}

// privatePath returns a free place in memory for a file of the archive.
func (c *composer) privatePath(source string) string {
	const longest = 100
	name := notInFileName.ReplaceAllString(source, "-")
	base := plan.SecretsFolder + "/" + name[max(0, len(name)-longest):]
	path := base
	for i := 2; c.placed[path]; i++ {
		path = base + "-" + strconv.Itoa(i)
	}
	return path
}
