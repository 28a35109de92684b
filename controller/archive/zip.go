package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"golang.org/x/text/encoding/charmap"
)

// The systems that matter: those whose attributes hold a Unix mode, and those of Microsoft.
const (
	systemDOS    = 0
	systemNTFS   = 10
	systemVFAT   = 14
	systemUnix   = 3
	systemDarwin = 19
)

// The kind of a file in a Unix mode, as in stat(2).
const (
	unixKind      = 0o170000
	unixPipe      = 0o010000
	unixDevice    = 0o020000
	unixDirectory = 0o040000
	unixBlock     = 0o060000
	unixFile      = 0o100000
	unixLink      = 0o120000
	unixSocket    = 0o140000
)

// attributeDirectory is the bit of a directory in attributes of MS-DOS.
const attributeDirectory = 0x10

// zipSource reads entries of a ZIP in any order.
type zipSource struct {
	file    io.ReaderAt
	records []record
}

// readZIP adds the entries of a ZIP's directory to found.
func readZIP(file io.ReaderAt, size int64, found *catalogue) (source, error) {
	records, err := readDirectory(file, size, found.limits)
	if errors.Is(err, errMalformed) {
		return nil, refuse("", "The ZIP is damaged, cut off, or has something before or behind it.",
			"Send the file again; if that does not help, make the archive again.")
	}
	if err != nil {
		return nil, err
	}
	if err := checkDeclared(records, size, found.limits); err != nil {
		return nil, err
	}
	found.reserve(len(records))
	source := &zipSource{file: file, records: records}
	for place := range records {
		r := &records[place]
		r.name = r.portableName()
		if _, err := found.take(source.member(place, *r, found.limits)); err != nil {
			return nil, err
		}
	}
	return source, nil
}

// portableName returns the name as other systems write it. Programs for Windows write
// backslashes between folders, and names in the code page of MS-DOS.
func (r record) portableName() string {
	if r.system != systemDOS && r.system != systemNTFS && r.system != systemVFAT {
		return r.name
	}
	name := r.name
	if r.flags&flagUTF8 == 0 && !utf8.ValidString(name) {
		// Every byte is a character of this code page, so no error is possible.
		name, _ = charmap.CodePage437.NewDecoder().String(name)
	}
	return strings.ReplaceAll(name, `\`, "/")
}

// checkDeclared applies the limits to the declared sizes. That is enough, because the
// meter refuses content that differs from its declaration.
func checkDeclared(records []record, size int64, limits Limits) error {
	total := int64(0)
	for _, r := range records {
		if r.expanded > limits.ExpandedBytes-total {
			return refuseSize(limits.ExpandedBytes)
		}
		total += r.expanded
	}
	if total > limits.Ratio*size {
		return refuseRatio(limits.Ratio)
	}
	return nil
}

// member checks one record by itself. With an error, the member has only its place in the
// tree, if it has one.
func (s *zipSource) member(place int, r record, limits Limits) (member, error) {
	path, err := parseName(r.name, limits)
	m := member{Entry: Entry{Path: path}, modified: r.modified, place: place}
	if err != nil {
		return m, err
	}
	if r.flags&flagEncrypted != 0 {
		return m, refuseEncrypted(r.name)
	}
	if r.method != methodStored && r.method != methodDeflate {
		return m, refuse(r.name,
			fmt.Sprintf("The entry is compressed with method %d, which is neither deflate nor none.", r.method), hintPackAgain)
	}
	if m.Kind, err = r.kind(); err != nil {
		return m, err
	}
	if path == "" && m.Kind != Directory {
		return m, refuse(r.name, "The entry has no name of its own.", hintPackAgain)
	}
	switch m.Kind {
	case Directory:
		m.Mode = modeExecutable
		if r.expanded != 0 {
			return m, refuse(r.name, "The folder claims to have content.", hintPackAgain)
		}
		return m, nil
	case Symlink:
		m.Mode = modeLink
		m.Link, err = s.target(r, limits)
		return m, err
	default:
		m.Mode, m.Size = r.mode(), r.expanded
		return m, nil
	}
}

// kind reads the kind of an entry from its name and its attributes.
func (r record) kind() (Kind, error) {
	folder := strings.HasSuffix(r.name, "/") || !r.unix() && r.attributes&attributeDirectory != 0
	if !r.unix() {
		return kindOf(folder), nil
	}
	switch r.attributes >> 16 & unixKind {
	case 0, unixFile:
		return kindOf(folder), nil
	case unixDirectory:
		return Directory, nil
	case unixLink:
		if folder {
			return 0, refuse(r.name, "The entry is a symbolic link and a folder at once.", hintPackAgain)
		}
		return Symlink, nil
	case unixDevice, unixBlock:
		return 0, refuseKind(r.name, "a device")
	case unixPipe:
		return 0, refuseKind(r.name, "a named pipe")
	case unixSocket:
		return 0, refuseKind(r.name, "a socket")
	default:
		return 0, refuseKind(r.name, "of an unknown kind")
	}
}

func kindOf(folder bool) Kind {
	if folder {
		return Directory
	}
	return File
}

// mode returns a file's permissions. If the archive has none, as from Windows, every file
// is executable, as in Docker's build contexts from Windows.
func (r record) mode() fs.FileMode {
	permissions := fs.FileMode(r.attributes>>16) & fs.ModePerm
	if !r.unix() || permissions == 0 {
		return modeExecutable
	}
	return fileMode(permissions)
}

func (r record) unix() bool { return r.system == systemUnix || r.system == systemDarwin }

// target reads the target of a symbolic link, which is its content.
func (s *zipSource) target(r record, limits Limits) (string, error) {
	if r.expanded > int64(limits.PathBytes) {
		return "", refuse(r.name, fmt.Sprintf("The symbolic link's target is longer than %d bytes.", limits.PathBytes), hintPackAgain)
	}
	var target bytes.Buffer
	if err := newInflater(s.file).copy(context.Background(), &target, r); err != nil {
		return "", err
	}
	return target.String(), checkTarget(r.name, target.String(), limits)
}

func (s *zipSource) read(ctx context.Context, m member, limit int64) ([]byte, error) {
	var text bytes.Buffer
	text.Grow(int(min(m.Size, limit)))
	if err := newInflater(s.file).copy(ctx, &text, s.records[m.place]); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func (s *zipSource) prepare(context.Context, []member, []bool) error { return nil }

// inflater expands one entry after the other, and reuses its memory.
type inflater struct {
	file   io.ReaderAt
	input  *bufio.Reader
	expand io.ReadCloser // made for the first deflated entry
	buffer []byte        // for stored entries
}

// inputBuffer is how many bytes of the archive are read at a time.
const inputBuffer = 64 << 10

func newInflater(file io.ReaderAt) *inflater {
	return &inflater{file: file, input: bufio.NewReaderSize(nil, inputBuffer)}
}

// copy writes the content of an entry to w. It refuses content whose length or checksum
// differs from the declaration.
func (i *inflater) copy(ctx context.Context, w io.Writer, r record) error {
	out := &meter{ctx: ctx, to: w, remaining: r.expanded}
	if err := out.verdict(r.name, i.expandTo(out, r)); err != nil {
		return err
	}
	if out.checksum != r.checksum {
		return refuseDamaged(r.name)
	}
	return nil
}

func (i *inflater) expandTo(out io.Writer, r record) error {
	section := io.NewSectionReader(i.file, r.data, r.compressed)
	if r.method == methodStored {
		if i.buffer == nil {
			i.buffer = make([]byte, inputBuffer)
		}
		_, err := io.CopyBuffer(out, onlyReader{section}, i.buffer)
		return err
	}
	i.input.Reset(section)
	if i.expand == nil {
		i.expand = flate.NewReader(i.input)
	} else if err := i.expand.(flate.Resetter).Reset(i.input, nil); err != nil { //nolint:errcheck // flate documents the type
		return err
	}
	_, err := io.Copy(out, i.expand)
	return err
}

// onlyReader hides the other methods of a reader, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }

func refuseKind(name, kind string) *Refusal {
	return refuse(name, "The entry is "+kind+"; an archive may hold files, folders and symbolic links.",
		"Leave the entry out of the archive.")
}
