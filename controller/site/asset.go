package site

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// hashedBytes is up to which size a file's tag is made of its content. The tag
// of a larger one ends with the process, as hashing it would delay its first byte.
const hashedBytes = 32 << 20

// process tells this process from every other.
var process = rand.Text()[:16]

// asset is what is known of one file, learnt when it is first asked for.
type asset struct {
	name        string
	size        int64
	modified    time.Time
	tag         string // without quotes; other for other content
	contentType string
	lifetime    string // Cache-Control
	siblings    map[string]bool

	compressing sync.Once
	compressed  []byte // as gzip; nil where it is not worth it
}

// load returns the asset of an existing file. Only existing files are kept in
// mind, so that there are never more of them than the image has files.
func (s *Site) load(name string) (*asset, error) {
	if known, ok := s.assets.Load(name); ok {
		return known.(*asset), nil //nolint:errcheck,forcetypeassert // the map holds nothing else
	}
	file, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	learnt := &asset{name: name, size: info.Size(), modified: info.ModTime(), lifetime: lifetimeOf(name)}
	if err := learnt.read(file); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	learnt.siblings = s.siblingsOf(learnt)
	known, _ := s.assets.LoadOrStore(name, learnt)
	return known.(*asset), nil //nolint:errcheck,forcetypeassert // the map holds nothing else
}

// open opens a regular file. What is opened is looked at, not its name, so that
// nothing can change in between.
func (s *Site) open(name string) (*os.File, error) {
	file, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = errIsFolder
	case !info.Mode().IsRegular():
		err = fmt.Errorf("open %s: %w", name, os.ErrNotExist)
	default:
		return file, nil
	}
	_ = file.Close() // nothing was written
	return nil, err
}

// read learns the tag and the type from the content.
func (a *asset) read(content io.Reader) error {
	if a.size > hashedBytes {
		head := make([]byte, 512)
		n, err := io.ReadFull(content, head)
		a.tag = fmt.Sprintf("%s-%x-%x", process, a.size, a.modified.UnixNano())
		a.contentType = typeOf(a.name, head[:n], false)
		return err
	}
	hash, checked := sha256.New(), &textCheck{}
	if _, err := io.Copy(io.MultiWriter(hash, checked), content); err != nil {
		return err
	}
	a.tag = base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:15])
	a.contentType = typeOf(a.name, checked.head, checked.isText())
	return nil
}

// siblingsOf finds the files that hold the asset's content compressed beforehand.
func (s *Site) siblingsOf(a *asset) map[string]bool {
	found := map[string]bool{}
	for _, encoding := range encodings {
		file, err := s.open(a.name + encoding.ending)
		if err != nil {
			continue
		}
		_ = file.Close() // nothing was written
		found[encoding.name] = true
	}
	return found
}

// textCheck tells whether what is written to it is text in UTF-8.
type textCheck struct {
	head  []byte // the first 512 bytes
	open  []byte // the start of a character that the last write cut
	wrong bool
}

// Write implements io.Writer.
func (c *textCheck) Write(p []byte) (int, error) {
	if room := 512 - len(c.head); room > 0 {
		c.head = append(c.head, p[:min(room, len(p))]...)
	}
	if c.wrong {
		return len(p), nil
	}
	text := p
	if len(c.open) > 0 {
		text = slices.Concat(c.open, p)
	}
	end := len(text) - cutCharacter(text)
	c.wrong = !utf8.Valid(text[:end]) || bytes.IndexByte(text[:end], 0) >= 0
	c.open = bytes.Clone(text[end:])
	return len(p), nil
}

func (c *textCheck) isText() bool { return !c.wrong && len(c.open) == 0 }

// cutCharacter returns how many of the last bytes begin a character that is not whole.
func cutCharacter(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		last := text[len(text)-n:]
		if utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// isPage reports whether the file is a document, whose address stays while its
// content changes.
func isPage(name string) bool {
	return strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm")
}
