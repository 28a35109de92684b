package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"

	"berth/controller/printable"

	"berth/controller/archive/expand"
)

// The memory for files from the one pass over a tar, so that reading the files of the
// plan does not expand it again.
const (
	keptFileBytes = 64 << 10
	keptBytes     = 1 << 20
	keptDepth     = 2 // folders and file; one is the top folder
)

// The cost of reading other files one by one: each expands the archive again, up to the
// place of the file.
const (
	readBytes  = 4 << 20 // in memory, so that no file costs more than one pass
	readPasses = 32
	slowPasses = 8
)

// tarSource reads entries of a tar in the order it has them, compressed or not.
type tarSource struct {
	expand.Format

	file   io.ReaderAt
	size   int64
	limits Limits
	guard  sync.Mutex     // of what follows
	kept   map[int][]byte // place -> content
	room   int            // the rest of keptBytes, then of readBytes
	passed int            // passes for one file each
	passes int            // the most of them
}

// openTar reads a tar to its end and adds its entries to found.
func openTar(file io.ReaderAt, size int64, how expand.Format, found *catalogue) (source, error) {
	s := &tarSource{Format: how, passes: readPasses, file: file, size: size, limits: found.limits, kept: map[int][]byte{}, room: keptBytes}
	if how.Slow {
		s.passes = slowPasses
	}
	for item, err := range s.walk(context.Background()) {
		if err != nil {
			return nil, err
		}
		if item.place >= found.limits.Entries {
			return nil, refuseCount(found.limits.Entries)
		}
		m, err := tarMember(item, found.limits)
		added, err := found.take(m, err)
		if err != nil {
			return nil, err
		}
		if !added {
			continue
		}
		if err := s.keep(m, item); err != nil {
			return nil, err
		}
	}
	s.room = readBytes
	return s, nil
}

// keep stores the content of a small file near the top as it passes.
func (s *tarSource) keep(m member, item tarItem) error {
	if m.Kind != File || m.Size > min(keptFileBytes, int64(s.room)) || strings.Count(m.Path, "/") >= keptDepth {
		return nil
	}
	text, err := item.content(context.Background())
	if err != nil {
		return err
	}
	s.hold(m, text)
	return nil
}

// hold stores content while there is room. It owns content from then on.
func (s *tarSource) hold(m member, text []byte) {
	s.guard.Lock()
	defer s.guard.Unlock()
	if len(text) <= s.room {
		s.kept[m.place] = text
		s.room -= len(text)
	}
}

// held returns stored content, or allows one pass to read it.
func (s *tarSource) held(m member) (text []byte, found bool, err error) {
	s.guard.Lock()
	defer s.guard.Unlock()
	if text, found = s.kept[m.place]; found {
		return bytes.Clone(text), true, nil
	}
	if s.passed >= s.passes {
		return nil, false, refuse(m.Path,
			fmt.Sprintf("To read the file, the whole archive would have to be expanded again, and it was %d times already.", s.passes),
			"Send a .zip, whose files can be read one by one, or let the app need fewer files before its build.")
	}
	s.passed++
	return nil, false, nil
}

// tarMember checks one header by itself. With an error, the member has only its place in the
// tree, if it has one.
func tarMember(item tarItem, limits Limits) (member, error) {
	header := item.header
	path, err := parseName(header.Name, limits)
	// The header's strings are parts of one string with all its records, up to 1 MB.
	m := member{Entry: Entry{Path: strings.Clone(path)}, modified: header.ModTime, place: item.place}
	if err != nil {
		return m, err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		m.Kind, m.Mode, m.Size = File, fileMode(fs.FileMode(header.Mode)), header.Size
	case tar.TypeDir:
		m.Kind, m.Mode = Directory, modeExecutable
	case tar.TypeSymlink:
		m.Kind, m.Mode, m.Link = Symlink, modeLink, strings.Clone(header.Linkname)
		err = checkTarget(header.Name, header.Linkname, limits)
	case tar.TypeLink:
		err = refuseKind(header.Name, "a hard link")
	case tar.TypeChar, tar.TypeBlock:
		err = refuseKind(header.Name, "a device")
	case tar.TypeFifo:
		err = refuseKind(header.Name, "a named pipe")
	case tar.TypeGNUSparse:
		err = refuseKind(header.Name, "a sparse file")
	default:
		err = refuseKind(header.Name, "of an unknown kind")
	}
	if err == nil && path == "" && m.Kind != Directory {
		err = refuse(header.Name, "The entry has no name of its own.", hintPackAgain)
	}
	if err == nil && hasHoles(header) {
		err = refuseKind(header.Name, "a sparse file")
	}
	return m, err
}

// hasHoles reports whether the header is of a sparse file in a newer format. Its holes
// are not in the stream, so a count of bytes misses them.
func hasHoles(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

func (s *tarSource) read(ctx context.Context, m member, _ int64) ([]byte, error) {
	if text, found, err := s.held(m); found || err != nil {
		return text, err
	}
	for item, err := range s.walk(ctx) {
		if err != nil {
			return nil, err
		}
		if item.place != m.place {
			continue
		}
		text, err := item.content(ctx)
		if err == nil {
			s.hold(m, bytes.Clone(text))
		}
		return text, err
	}
	return nil, refuseDamaged(m.Path)
}

func (s *tarSource) prepare(ctx context.Context, members []member, wanted []bool) error {
	missing := make([]bool, len(members))
	s.guard.Lock()
	for i, m := range members {
		_, found := s.kept[m.place]
		missing[i] = wanted[i] && !found
	}
	s.guard.Unlock()
	if !slices.Contains(missing, true) {
		return nil
	}
	for item, err := range s.stream(ctx, members, missing) {
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := item.writeTo(&text); err != nil {
			return err
		}
		s.hold(item.member, text.Bytes())
	}
	return nil
}

func (s *tarSource) stream(ctx context.Context, members []member, wanted []bool) iter.Seq2[content, error] {
	chosen := map[int]member{}
	for i, m := range members {
		if wanted[i] && m.Kind != Directory {
			chosen[m.place] = m
		}
	}
	return func(yield func(content, error) bool) {
		for item, err := range s.walk(ctx) {
			if err != nil {
				yield(content{}, err)
				return
			}
			m, found := chosen[item.place]
			if !found {
				continue
			}
			next := content{member: m}
			if m.Kind == File {
				next.writeTo = func(w io.Writer) error { return item.copy(ctx, w) }
			}
			if !yield(next, nil) {
				return
			}
		}
	}
}

// tarItem is one header of a tar; the reader is at its content.
type tarItem struct {
	place  int // counted from 0
	header *tar.Header
	reader *tar.Reader
	stream *countedReader
}

// copy writes the content of the item to w.
func (i tarItem) copy(ctx context.Context, w io.Writer) error {
	out := &meter{ctx: ctx, to: w, remaining: i.header.Size}
	_, err := io.CopyBuffer(out, onlyReader{i.reader}, i.stream.buffer)
	if i.stream.ended != nil {
		return i.stream.ended
	}
	return out.verdict(i.header.Name, err)
}

func (i tarItem) content(ctx context.Context) ([]byte, error) {
	var text bytes.Buffer
	err := i.copy(ctx, &text)
	return text.Bytes(), err
}

// walk yields the headers of the tar from its start. It skips and counts global headers,
// which git writes and which do not matter. It ends with ctx, also within the content of
// a file.
func (s *tarSource) walk(ctx context.Context) iter.Seq2[tarItem, error] {
	return func(yield func(tarItem, error) bool) {
		expanded, err := s.Expand(io.NewSectionReader(s.file, 0, s.size))
		if err != nil {
			yield(tarItem{}, refuseTar())
			return
		}
		defer expanded.Close()
		stream := &countedReader{ctx: ctx, from: expanded, limits: s.limits, compressed: s.size, buffer: make([]byte, inputBuffer)}
		reader := tar.NewReader(stream)
		for place := 0; ; place++ {
			header, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(tarItem{}, stream.verdict())
				return
			}
			if header.Typeflag == tar.TypeXGlobalHeader {
				continue
			}
			if !yield(tarItem{place: place, header: header, reader: reader, stream: stream}, nil) {
				return
			}
		}
		// The rest is padding; reading it checks the checksum and the end of the file.
		if _, err := io.CopyBuffer(io.Discard, onlyReader{stream}, stream.buffer); err != nil {
			yield(tarItem{}, stream.verdict())
		}
	}
}

// countedReader is the expanded stream. It ends at the limits or with its context.
type countedReader struct {
	ctx        context.Context //nolint:containedctx // a reader has no other way to end with it; lives as long as one pass
	from       io.Reader
	limits     Limits
	compressed int64
	expanded   int64
	ended      error  // the reason for its early end
	buffer     []byte // for a copy from the stream
}

// Read implements io.Reader.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.expanded += int64(n)
	switch {
	case c.ctx.Err() != nil:
		c.ended = c.ctx.Err()
	case expand.IsWindow(err):
		c.ended = refuseWindow()
	case c.expanded > c.limits.ExpandedBytes:
		c.ended = refuseSize(c.limits.ExpandedBytes)
	case c.expanded > c.limits.Ratio*c.compressed:
		c.ended = refuseRatio(c.limits.Ratio)
	}
	if c.ended != nil {
		return 0, fmt.Errorf("read tar: %w", c.ended)
	}
	return n, err
}

// verdict explains an error while reading the tar.
func (c *countedReader) verdict() error {
	if c.ended != nil {
		return c.ended
	}
	return refuseTar()
}

func refuseWindow() *Refusal {
	return refuse("", fmt.Sprintf("The archive was compressed in a way that takes more memory to expand than Berth gives: %s for xz, %s for zstd.",
		printable.Size(expand.WindowXZ), printable.Size(expand.WindowZstd)), "Compress it with a lower level, and without the option --long, or send a .zip.")
}

func refuseTar() *Refusal {
	return refuse("", "The archive is damaged or cut off, or holds no tar.",
		"Make it again with `tar czf app.tar.gz .` in the app's folder, or send a .zip.")
}
