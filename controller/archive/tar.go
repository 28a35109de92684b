package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// tarBuffer joins the many small writes of a tar into few writes to the engine.
const tarBuffer = 128 << 10

// WriteTar streams the entries that keep returns true for (all if keep is nil) as a tar:
// directories first, owner 0:0, modes as in Entry. The directories above a kept entry are
// always included. Times are the archive's own, to the second: the builder's cache
// ignores them, but file servers compare them.
//
// It needs less than 8 MB of memory for any archive, beside the window of zstd and xz. A *Refusal says that an entry
// differs from the archive's declaration; the written tar is then void.
func (t *Tree) WriteTar(ctx context.Context, w io.Writer, keep func(Entry) bool) error {
	return t.write(ctx, w, Layout{Keep: keep}, func(out *tar.Writer) headerWriter { return out })
}

// WriteContext streams a build context as a tar: the extra files, then the output of
// WriteTar. The errors are those of WriteTar, and of reading an extra file.
//
// The stream begins with an entry of one block. An engine looks no further to tell a tar
// from a Dockerfile, and takes a tar that begins with an extended header for the latter.
func (t *Tree) WriteContext(ctx context.Context, w io.Writer, layout Layout) error {
	return t.write(ctx, w, layout, func(out *tar.Writer) headerWriter { return &plainStart{Writer: out} })
}

// headerWriter is a tar.Writer.
type headerWriter interface {
	io.Writer
	WriteHeader(header *tar.Header) error
}

// plainStart puts the context's own folder before a first header of more than one block.
type plainStart struct {
	*tar.Writer

	begun bool
}

// WriteHeader implements headerWriter.
func (p *plainStart) WriteHeader(header *tar.Header) error {
	if !p.begun && !isPlain(header) {
		if err := p.Writer.WriteHeader(folderHeader(".")); err != nil {
			return err
		}
	}
	p.begun = true
	return p.Writer.WriteHeader(header)
}

// isPlain reports whether a header certainly takes one block.
func isPlain(header *tar.Header) bool {
	const longest = 100 // bytes of each name
	for _, name := range []string{header.Name, header.Linkname} {
		if len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return false
		}
	}
	return true
}

func (t *Tree) write(ctx context.Context, w io.Writer, layout Layout, start func(*tar.Writer) headerWriter) error {
	wanted, err := t.wanted(ctx, layout)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, tarBuffer)
	tarred := tar.NewWriter(buffered)
	out := start(tarred)
	if err := writeExtras(out, layout); err != nil {
		return err
	}
	if err := t.writeDirectories(out, wanted, layout); err != nil {
		return err
	}
	for item, err := range t.source.stream(ctx, t.members, wanted) {
		if err != nil {
			return err
		}
		if err := writeItem(out, item, layout); err != nil {
			return err
		}
	}
	if err := tarred.Close(); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	return nil
}

// wanted calls keep for every member, and adds the directories above each kept member: an
// exception in .dockerignore may be in an excluded directory. It ends with ctx and
// returns its cause, because keep may take long.
func (t *Tree) wanted(ctx context.Context, layout Layout) ([]bool, error) {
	if err := t.Check(layout); err != nil {
		return nil, err
	}
	wanted := make([]bool, len(t.members))
	for i, m := range t.members {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !layout.keeps(m.Entry) {
			continue
		}
		wanted[i] = true
		for folder := parent(m.Path); folder != layout.Folder; folder = parent(folder) {
			at := t.byPath[folder]
			if wanted[at] {
				break
			}
			wanted[at] = true
		}
	}
	return wanted, nil
}

func (t *Tree) writeDirectories(out headerWriter, wanted []bool, layout Layout) error {
	for i, m := range t.members {
		if !wanted[i] || m.Kind != Directory {
			continue
		}
		if err := out.WriteHeader(m.header(layout)); err != nil {
			return fmt.Errorf("write tar: %w", err)
		}
	}
	return nil
}

func writeItem(out headerWriter, item content, layout Layout) error {
	if err := out.WriteHeader(item.header(layout)); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	if item.writeTo == nil {
		return nil
	}
	return item.writeTo(out)
}

func (m member) header(layout Layout) *tar.Header {
	name := layout.place(m.Path)
	header := &tar.Header{
		Name:    name,
		Mode:    int64(m.Mode),
		ModTime: clampTime(m.modified),
	}
	switch m.Kind {
	case Directory:
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
	case Symlink:
		header.Typeflag, header.Linkname = tar.TypeSymlink, m.Link
	default:
		header.Typeflag, header.Size = tar.TypeReg, m.Size
	}
	return header
}

// clampTime keeps a time within the range of every tar without an extension.
func clampTime(t time.Time) time.Time {
	const latest = 1<<33 - 1
	return time.Unix(min(max(t.Unix(), 0), latest), 0)
}

// writeText writes content that was expanded before.
func writeText(w io.Writer, text *bytes.Buffer) error {
	if _, err := w.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write content: %w", err)
	}
	return nil
}

// meter passes content on, and refuses content that is longer, shorter or different from
// its declaration.
type meter struct {
	ctx       context.Context //nolint:containedctx // a writer has no other way to end with it; lives as long as one copy
	to        io.Writer
	remaining int64
	checksum  uint32 // CRC-32 of the content so far
	err       error  // of the destination or the context, not of the content
}

// errExcess ends the copy of content that is longer than declared.
var errExcess = errors.New("content is longer than declared")

// Write implements io.Writer.
func (m *meter) Write(p []byte) (int, error) {
	if int64(len(p)) > m.remaining {
		return 0, errExcess
	}
	if m.err = m.ctx.Err(); m.err != nil {
		return 0, m.err
	}
	n, err := m.to.Write(p)
	m.remaining -= int64(n)
	m.checksum = crc32.Update(m.checksum, crc32.IEEETable, p[:n])
	if err != nil {
		m.err = fmt.Errorf("write content: %w", err)
	}
	return n, err
}

// verdict explains the end of a copy with err.
func (m *meter) verdict(name string, err error) error {
	switch {
	case m.err != nil:
		return m.err
	case errors.Is(err, errExcess):
		return refuse(name, "The file holds more than the archive declares.", hintPackAgain)
	case err != nil:
		return refuseDamaged(name)
	case m.remaining != 0:
		return refuse(name, "The file holds less than the archive declares.", hintPackAgain)
	default:
		return nil
	}
}
