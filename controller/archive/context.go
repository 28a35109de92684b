package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Context is the part of a tree that a build is sent. The zero value is all of it.
type Context struct {
	// Folder becomes the top; empty is the tree's own. It must be a folder of the tree.
	Folder string
	// Keep says what is sent, by paths as they are below Folder; nil keeps all.
	Keep func(Entry) bool
	// Extra are files that are sent too; the tree's own under the same top name are not.
	Extra map[string][]byte
}

// keeps reports whether an entry is sent.
func (c Context) keeps(e Entry) bool {
	path, inside := c.path(e.Path)
	if !inside {
		return false
	}
	// A link of the tree must not lead an extra file's folder elsewhere.
	for extra := range c.Extra {
		if top, _, _ := strings.Cut(extra, "/"); path == top || strings.HasPrefix(path, top+"/") {
			return false
		}
	}
	e.Path = path
	return c.Keep == nil || c.Keep(e)
}

// path is the one of an entry below Folder.
func (c Context) path(whole string) (path string, inside bool) {
	if c.Folder == "" {
		return whole, true
	}
	return strings.CutPrefix(whole, c.Folder+"/")
}

func (c Context) header(m member) *tar.Header {
	header := m.header()
	header.Name, _ = c.path(header.Name)
	return header
}

func (c Context) writeExtra(out *tar.Writer) error {
	for _, path := range slices.Sorted(maps.Keys(c.Extra)) {
		header := &tar.Header{Name: path, Typeflag: tar.TypeReg, Mode: int64(modePlain), Size: int64(len(c.Extra[path]))}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("write tar: %w", err)
		}
		if _, err := out.Write(c.Extra[path]); err != nil {
			return fmt.Errorf("write tar: %w", err)
		}
	}
	return nil
}

// Writer returns WriteContext of c, for whoever builds from it.
func (t *Tree) Writer(c Context) func(ctx context.Context, w io.Writer) error {
	return func(ctx context.Context, w io.Writer) error { return t.WriteContext(ctx, w, c) }
}
