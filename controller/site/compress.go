package site

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// What is compressed when it is first asked for, and kept.
const (
	leastBytes  = 512      // below it, the headers weigh more than what is saved
	mostBytes   = 8 << 20  // of one file
	keptBytes   = 32 << 20 // of all, compressed; then files are sent as they are
	compressors = 2        // at once, as each takes about a megabyte
	worthwhile  = 10       // compressed must be smaller by a tenth
	gzipLevel   = 6
)

// encodings are the forms that a site may bring beside a file, the better first.
var encodings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// keeper bounds the memory of compressed content.
type keeper struct {
	bytes atomic.Int64
	turns chan struct{}
}

func newKeeper() keeper { return keeper{turns: make(chan struct{}, compressors)} }

// compressible reports whether the file would be compressed.
func compressible(a *asset) bool {
	if a.size < leastBytes || a.size > mostBytes {
		return false
	}
	kind, _, _ := strings.Cut(a.contentType, ";")
	switch kind {
	case "application/javascript", "application/json", "application/manifest+json", "application/xml", "application/wasm",
		"application/vnd.ms-fontobject", "application/rss+xml", "application/atom+xml", "application/geo+json", "application/ld+json",
		"image/svg+xml", "image/bmp", "image/x-icon", "font/ttf", "font/otf":
		return true
	default:
		return strings.HasPrefix(kind, "text/")
	}
}

// compressed returns the asset as gzip, nil where that is not worth it. The first
// request makes it, those beside it wait for that one.
func (s *Site) compressed(a *asset) []byte {
	if !compressible(a) {
		return nil
	}
	a.compressing.Do(func() {
		s.kept.turns <- struct{}{}
		defer func() { <-s.kept.turns }()
		if s.kept.bytes.Load() >= keptBytes {
			return
		}
		made, err := s.compress(a)
		if err != nil || int64(len(made)) > a.size-a.size/worthwhile {
			return
		}
		if s.kept.bytes.Add(int64(len(made))) > keptBytes {
			s.kept.bytes.Add(-int64(len(made)))
			return
		}
		a.compressed = made
	})
	return a.compressed
}

func (s *Site) compress(a *asset) ([]byte, error) {
	file, err := s.open(a.name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var made bytes.Buffer
	out, err := gzip.NewWriterLevel(&made, gzipLevel)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(out, file); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(made.Bytes()), nil
}

// accepted is what an Accept-Encoding header says: coding -> weight above zero or not.
type accepted map[string]bool

// parseAccepted reads Accept-Encoding. What cannot be read is not accepted.
func parseAccepted(lines []string) accepted {
	taken := accepted{}
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "x-gzip" {
				name = "gzip"
			}
			taken[name] = weighs(parameters)
		}
	}
	return taken
}

func weighs(parameters string) bool {
	name, text, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found {
		return strings.TrimSpace(parameters) == ""
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && weight > 0
}

func (a accepted) takes(encoding string) bool {
	if said, found := a[encoding]; found {
		return said
	}
	return a["*"]
}
