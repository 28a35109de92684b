package archive

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"berth/controller/archive/expand"
	"berth/controller/printable"
)

// Tree is the content of an archive, after every check that does not need the content of
// all files. It is read-only and safe for concurrent use. It reads from the archive's
// file until Close.
type Tree struct {
	file    *os.File
	members []member       // sorted by path
	byPath  map[string]int // path -> position in members
	source  source
	faults  []fault
	leftOut leftOut
	limits  Limits

	dockerfile string         // as it was chosen
	ahead      sync.WaitGroup // reads of files before they are asked for
	closing    atomic.Bool    // ends ahead
}

// source is one format of archive.
type source interface {
	// read returns the content of a file of at most limit bytes.
	read(ctx context.Context, m member, limit int64) ([]byte, error)
	// prepare makes reading the wanted files cheap, if that is worth it.
	prepare(ctx context.Context, members []member, wanted []bool) error
	// stream yields the wanted files and links with their content, in the best order for
	// the format. The content is valid until the next step.
	stream(ctx context.Context, members []member, wanted []bool) iter.Seq2[content, error]
}

// content is a member and its bytes: writeTo writes exactly Size bytes, or returns an
// error.
type content struct {
	member
	writeTo func(io.Writer) error // nil for a link
}

// Open checks the ZIP or tar at path; the first bytes say which it is. The error is a
// *Refusal if the archive is at fault. For a ZIP, Open reads the directory and the
// headers, and content is checked as it is streamed. A tar has no directory, so Open
// reads it once as a whole.
func Open(path string, limits Limits) (*Tree, error) { return open(path, newCatalogue(limits)) }

// OpenApp is Open for the archive of an app, of which builds may get a part. An entry that
// may not be in an archive is not in the tree, and Check refuses each layout that would
// keep it. Limits count it, and what is wrong with the archive itself is refused here.
func OpenApp(path string, limits Limits) (*Tree, error) {
	found := newCatalogue(limits)
	found.later = true
	return open(path, found)
}

// OpenWhole is Open for an archive that is not an app: if one folder holds everything,
// that folder stays in the tree.
func OpenWhole(path string, limits Limits) (*Tree, error) {
	found := newCatalogue(limits)
	found.whole = true
	return open(path, found)
}

func open(path string, found *catalogue) (*Tree, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	tree, err := newTree(file, found)
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return tree, nil
}

func newTree(file *os.File, found *catalogue) (*Tree, error) {
	limits := found.limits
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if info.Size() > limits.CompressedBytes {
		return nil, refuse("", fmt.Sprintf("The archive is larger than %s.", printable.Size(limits.CompressedBytes)), hintSmaller)
	}
	origin, err := readSource(file, info.Size(), found)
	if err != nil {
		return nil, err
	}
	members, err := found.finish()
	if err != nil {
		return nil, err
	}
	tree := &Tree{file: file, members: members, source: origin, leftOut: found.leftOut, limits: limits}
	tree.index()
	if err := resolveLinks(tree, found); err != nil {
		return nil, err
	}
	tree.faults = found.faults
	return tree, nil
}

// index makes byPath anew.
func (t *Tree) index() {
	t.byPath = make(map[string]int, len(t.members))
	for i, m := range t.members {
		t.byPath[m.Path] = i
	}
}

// readSource adds the archive's entries to found.
func readSource(file io.ReaderAt, size int64, found *catalogue) (source, error) {
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("PK")) {
		return readZIP(file, size, found)
	}
	if how, ok := expand.Detect(head); ok {
		return openTar(file, size, how, found)
	}
	return nil, refuse("", formatOf(head), "Send a .zip or a .tar.gz.")
}

// formatOf names the format of a file that is neither ZIP nor tar.
func formatOf(head []byte) string {
	for magic, name := range map[string]string{"Rar!": "a RAR archive", "7z\xbc\xaf": "a 7z archive", "BZh": "compressed with bzip2"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "The file is " + name + ", which Berth does not read."
		}
	}
	return "The file is neither a ZIP nor a tar (.tar, .tar.gz, .tar.xz, .tar.zst)."
}

// Close closes the archive's file. The tree cannot be read afterwards.
func (t *Tree) Close() error {
	t.closing.Store(true)
	t.ahead.Wait()
	return t.file.Close()
}

// Choose makes a path the archive's Dockerfile, whatever else the archive holds.
func (t *Tree) Choose(dockerfile string) { t.dockerfile = dockerfile }

// Dockerfile returns the path that was chosen; empty if none was.
func (t *Tree) Dockerfile() string { return t.dockerfile }

// Entries returns all entries sorted by path: a directory comes before its content. It
// includes directories that the archive only implies.
func (t *Tree) Entries() []Entry {
	entries := make([]Entry, len(t.members))
	for i, m := range t.members {
		entries[i] = m.Entry
	}
	return entries
}

// Entry returns the entry at a clean path.
func (t *Tree) Entry(path string) (Entry, bool) {
	at, found := t.byPath[path]
	if !found {
		return Entry{}, false
	}
	return t.members[at].Entry, true
}

// ReadFile returns the content of a file. The error is a *Refusal if path is not a file,
// holds more than maxBytes, or is damaged. It does not follow links. In a tar each
// file may cost one of a few passes; use Prepare for many files.
func (t *Tree) ReadFile(ctx context.Context, path string, maxBytes int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at, found := t.byPath[path]
	if !found {
		return nil, cmp.Or(t.faultAt(path), refuse(path, "The archive has no such file.", "Add the file to the archive."))
	}
	m := t.members[at]
	if m.Kind == Symlink {
		return nil, refuse(path, fmt.Sprintf("This is a symbolic link to %s, not a file.", printable.Name(m.Link, nameBytes)), "Put the file itself in this place.")
	}
	if m.Kind != File {
		return nil, refuse(path, "This is not a file.", "Put the file itself in this place.")
	}
	if m.Size > maxBytes {
		return nil, refuse(path, fmt.Sprintf("The file is larger than %s.", printable.Size(maxBytes)), "Make the file smaller.")
	}
	return t.source.read(ctx, m, maxBytes)
}

// Prepare makes later calls of ReadFile for the paths share one pass of a tar, as far
// as the files are small and few enough to store. It ignores paths that are not files.
func (t *Tree) Prepare(ctx context.Context, paths []string) error {
	return t.source.prepare(ctx, t.members, t.files(paths, keptFileBytes))
}

// files returns the paths that are files of at most maxBytes.
func (t *Tree) files(paths []string, maxBytes int64) []bool {
	chosen := make([]bool, len(t.members))
	for _, path := range paths {
		if at, found := t.byPath[path]; found && t.members[at].Kind == File && t.members[at].Size <= maxBytes {
			chosen[at] = true
		}
	}
	return chosen
}

// ReadFiles returns the contents by path, for the paths that are files of at most
// maxBytes. For a tar it costs one pass in all.
func (t *Tree) ReadFiles(ctx context.Context, paths []string, maxBytes int64) (map[string][]byte, error) {
	wanted := t.files(paths, maxBytes)
	texts := map[string][]byte{}
	if !slices.Contains(wanted, true) {
		return texts, nil
	}
	for item, err := range t.source.stream(ctx, t.members, wanted) {
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		if err := item.writeTo(&text); err != nil {
			return nil, err
		}
		texts[item.Path] = text.Bytes()
	}
	return texts, nil
}

// LayoutWriter returns WriteContext of the layout, for a builder.
func (t *Tree) LayoutWriter(layout Layout) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error { return t.WriteContext(ctx, w, layout) }
}
