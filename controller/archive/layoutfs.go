package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// LayoutFS returns the build context of WriteContext as a file system, for a builder that
// asks for single files: only those are expanded. It is nil for a tar, whose files can
// only be read in order.
//
// It also implements fs.ReadDirFS and fs.ReadLinkFS. If a file differs from the archive's
// declaration, reading it fails with a *Refusal, at its end at the latest. It is safe for
// concurrent use, until the tree's Close or the end of ctx.
func (t *Tree) LayoutFS(ctx context.Context, layout Layout) (fs.FS, error) {
	source, ok := t.source.(*zipSource)
	if !ok {
		return nil, nil //nolint:nilnil // nil is the file system that cannot be had
	}
	chosen, err := t.wanted(ctx, layout)
	if err != nil {
		return nil, err
	}
	made := &layoutFS{nodes: map[string]*node{".": {FileInfo: folderHeader(".").FileInfo()}}, ahead: expandedAhead{room: layoutAhead}}
	inflaters := &sync.Pool{New: func() any { return newInflater(source.file) }}
	for i, wanted := range chosen {
		if !wanted {
			continue
		}
		m := t.members[i]
		found := &node{FileInfo: m.header(layout).FileInfo(), link: m.Link}
		if m.Kind == File {
			open := func() io.ReadCloser { return source.open(ctx, inflaters, source.records[m.place]) }
			found.open = func() (io.ReadCloser, error) { return open(), nil }
			if early := (&expanded{open: open, size: m.Size}); made.ahead.add(early) {
				found.open = early.take
			}
		}
		made.put(layout.place(m.Path), found)
	}
	if layout.Below != "" {
		made.folder(layout.Below)
	}
	for _, extra := range layout.Extras {
		made.put(extra.Path, extra.node())
	}
	for _, n := range made.nodes {
		slices.SortFunc(n.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	t.ahead.Go(func() {
		for _, early := range made.ahead.files {
			if ctx.Err() != nil || t.closing.Load() {
				return
			}
			early.read()
		}
	})
	return made, nil
}

// layoutAhead is the memory for the first files, which are expanded before the builder
// asks: a builder takes a moment until it asks.
const layoutAhead = 8 << 20

// expandedAhead are the files that are read before they are opened.
type expandedAhead struct {
	files []*expanded
	room  int64 // bytes of memory; below zero, no more files are added
}

// add adds a file while there is room. A file without content has nothing to expand.
func (a *expandedAhead) add(e *expanded) bool {
	if e.size == 0 {
		return false
	}
	if a.room -= e.size + bytes.MinRead; a.room < 0 {
		return false
	}
	a.files = append(a.files, e)
	return true
}

// expanded is a file that is read before it is opened, and kept until then.
type expanded struct {
	open  func() io.ReadCloser
	size  int64
	mu    sync.Mutex
	text  []byte
	err   error
	begun bool // by read, or by an earlier take
}

func (e *expanded) read() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun {
		return
	}
	e.begun = true
	content := e.open()
	defer content.Close()
	text := bytes.NewBuffer(make([]byte, 0, e.size+bytes.MinRead))
	_, e.err = text.ReadFrom(content)
	e.text = text.Bytes()
}

// take returns the content to the first caller that opens the file.
func (e *expanded) take() (io.ReadCloser, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.begun || e.text == nil {
		e.begun = true
		return e.open(), nil
	}
	text, err := e.text, e.err
	e.text = nil
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}

// layoutFS is a build context in memory, without the content of its files.
type layoutFS struct {
	nodes map[string]*node
	ahead expandedAhead
}

// node is a file, a folder or a link, described by its tar header.
type node struct {
	fs.FileInfo

	link    string
	entries []fs.DirEntry                 // of a folder
	open    func() (io.ReadCloser, error) // of a file
}

// put adds a node, and the missing folders above it. A folder may come after its content.
func (l *layoutFS) put(place string, n *node) {
	if before := l.nodes[place]; before != nil {
		before.FileInfo = n.FileInfo
		return
	}
	l.nodes[place] = n
	above := l.folder(path.Dir(place))
	above.entries = append(above.entries, fs.FileInfoToDirEntry(n))
}

func (l *layoutFS) folder(place string) *node {
	if l.nodes[place] == nil {
		l.put(place, &node{FileInfo: folderHeader(place).FileInfo()})
	}
	return l.nodes[place]
}

func (l *layoutFS) find(operation, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: operation, Path: name, Err: fs.ErrInvalid}
	}
	if n := l.nodes[name]; n != nil {
		return n, nil
	}
	return nil, &fs.PathError{Op: operation, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS. It follows no links, which have no content of their own.
func (l *layoutFS) Open(name string) (fs.File, error) {
	n, err := l.find("open", name)
	if err != nil {
		return nil, err
	}
	switch {
	case n.IsDir():
		return &openFolder{node: n}, nil
	case n.open == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a symbolic link")}
	}
	content, err := n.open()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{ReadCloser: content, node: n}, nil
}

// ReadDir implements fs.ReadDirFS.
func (l *layoutFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := l.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is no folder")}
	}
	return slices.Clone(n.entries), nil
}

// ReadLink implements fs.ReadLinkFS.
func (l *layoutFS) ReadLink(name string) (string, error) {
	n, err := l.find("readlink", name)
	if err == nil && n.Mode()&fs.ModeSymlink == 0 {
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	return n.link, nil
}

// Lstat implements fs.ReadLinkFS.
func (l *layoutFS) Lstat(name string) (fs.FileInfo, error) {
	n, err := l.find("lstat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

type openFile struct {
	io.ReadCloser
	node *node
}

// Stat implements fs.File.
func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }

type openFolder struct {
	node *node
	read int
}

// Stat implements fs.File.
func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }

// Read implements fs.File.
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.node.Name(), Err: errors.New("is a folder")}
}

// Close implements fs.File.
func (f *openFolder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := f.node.entries[f.read:]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 {
		rest = rest[:min(n, len(rest))]
	}
	f.read += len(rest)
	return slices.Clone(rest), nil
}

// open expands one entry for a reader, which the caller must close.
func (s *zipSource) open(ctx context.Context, inflaters *sync.Pool, r record) io.ReadCloser {
	reader, writer := io.Pipe() // closing the reader ends the copy
	go func() {
		inflater := inflaters.Get().(*inflater) //nolint:errcheck // the pool makes nothing else
		defer inflaters.Put(inflater)
		_ = writer.CloseWithError(inflater.copy(ctx, writer, r))
	}()
	return reader
}

// node is the extra file in a file system. An unreadable file gives its error when it is
// read.
func (e Extra) node() *node {
	header, err := e.header()
	return &node{FileInfo: header.FileInfo(), open: func() (io.ReadCloser, error) {
		if err != nil {
			return nil, err
		}
		return e.open()
	}}
}
