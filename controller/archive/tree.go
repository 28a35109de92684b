package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// Tree is what an archive holds, after every check that does not need the
// content of all files. It is read-only and safe for concurrent use; it reads
// from the archive's file until Close.
type Tree struct {
	file    *os.File
	members []member       // sorted by path
	byPath  map[string]int // path -> position in members
	source  source
	ahead   sync.WaitGroup // what reads files before they are asked for
	closing atomic.Bool    // ends it
}

// source is one format of archive.
type source interface {
	// read returns the content of a file of at most limit bytes.
	read(ctx context.Context, m member, limit int64) ([]byte, error)
	// prepare makes reading the wanted files cheap, of those for which that is worth it.
	prepare(ctx context.Context, members []member, wanted []bool) error
	// stream yields the wanted files and links with their content, in the order
	// that suits the format. The content is good until the next step.
	stream(ctx context.Context, members []member, wanted []bool) iter.Seq2[content, error]
}

// content is a member and its bytes on their way: exactly Size of them are
// written, or an error is returned.
type content struct {
	member
	writeTo func(io.Writer) error // nil for a link
}

// Open checks the ZIP or tar.gz at path, told apart by its first bytes. The
// error is a *Refusal where the archive is at fault. Of a ZIP the directory and
// the headers are read, and content proves itself when it is streamed; a tar.gz
// has no directory and is read through once.
func Open(path string, limits Limits) (*Tree, error) { return open(path, newCatalogue(limits)) }

// OpenWhole is Open for an archive that is no app: where everything lies in one
// folder, that folder is part of the tree.
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
		return nil, refuse("", fmt.Sprintf("The archive is larger than %s.", bytesText(limits.CompressedBytes)), hintSmaller)
	}
	origin, err := readSource(file, info.Size(), found)
	if err != nil {
		return nil, err
	}
	members, err := found.finish()
	if err != nil {
		return nil, err
	}
	tree := &Tree{file: file, members: members, byPath: make(map[string]int, len(members)), source: origin}
	for i, m := range members {
		tree.byPath[m.Path] = i
	}
	if err := resolveLinks(tree, limits); err != nil {
		return nil, err
	}
	return tree, nil
}

// readSource puts into found what the archive lists.
func readSource(file io.ReaderAt, size int64, found *catalogue) (source, error) {
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PK")):
		return readZIP(file, size, found)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return readTarGZ(file, size, found)
	default:
		return nil, refuse("", formatOf(head), "Send a .zip or a .tar.gz.")
	}
}

// formatOf says what the file is instead of a ZIP or tar.gz.
func formatOf(head []byte) string {
	for _, known := range []struct {
		name, magic string
		at          int
	}{
		{"a RAR archive", "Rar!", 0},
		{"a 7z archive", "7z\xbc\xaf", 0},
		{"compressed with xz", "\xfd7zXZ", 0},
		{"compressed with bzip2", "BZh", 0},
		{"compressed with zstd", "\x28\xb5\x2f\xfd", 0},
		{"a tar without compression", "ustar", 257},
	} {
		if len(head) > known.at && bytes.HasPrefix(head[known.at:], []byte(known.magic)) {
			return "The file is " + known.name + ", neither a ZIP nor a tar.gz."
		}
	}
	return "The file is neither a ZIP nor a tar.gz."
}

// Close gives the archive's file back. The tree cannot be read any more.
func (t *Tree) Close() error {
	t.closing.Store(true)
	t.ahead.Wait()
	return t.file.Close()
}

// Entries returns all entries sorted by path: a directory comes before what it
// holds. Directories that the archive only implies are listed too.
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

// ReadFile returns the content of a file. It is a *Refusal where path is no file,
// holds more than maxBytes, or is damaged. Links are not followed. Of a tar.gz each
// file may cost a pass, of which there are a few: Prepare is for many files.
func (t *Tree) ReadFile(ctx context.Context, path string, maxBytes int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at, found := t.byPath[path]
	if !found {
		return nil, refuse(path, "The archive has no such file.", "Add the file to the archive.")
	}
	m := t.members[at]
	if m.Kind != File {
		return nil, refuse(path, "This is not a file.", "Put the file itself in this place.")
	}
	if m.Size > maxBytes {
		return nil, refuse(path, fmt.Sprintf("The file is larger than %s.", bytesText(maxBytes)), "Make the file smaller.")
	}
	return t.source.read(ctx, m, maxBytes)
}

// Prepare lets ReadFile of the paths cost one pass of a tar.gz together, as far as the
// files are small and few enough to be kept. Those that are no files do not matter.
func (t *Tree) Prepare(ctx context.Context, paths []string) error {
	return t.source.prepare(ctx, t.members, t.files(paths, keptFileBytes))
}

// files chooses those of the paths that are files of at most maxBytes.
func (t *Tree) files(paths []string, maxBytes int64) []bool {
	chosen := make([]bool, len(t.members))
	for _, path := range paths {
		if at, found := t.byPath[path]; found && t.members[at].Kind == File && t.members[at].Size <= maxBytes {
			chosen[at] = true
		}
	}
	return chosen
}

// ReadFiles returns the contents of those of the paths that are files of at most
// maxBytes, by path. Of a tar.gz it costs one pass, however many there are.
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

// LayoutWriter returns WriteContext of the layout, for whoever builds from it.
func (t *Tree) LayoutWriter(layout Layout) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error { return t.WriteContext(ctx, w, layout) }
}
