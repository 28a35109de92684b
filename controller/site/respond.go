package site

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// How long an answer may take: a grace, and longer for more content. A client
// that reads more slowly is cut off, and can ask for the rest.
const (
	writeGrace   = 30 * time.Second
	slowestBytes = 16 << 10 // a second
)

// serve answers with a file that was found.
func (s *Site) serve(w http.ResponseWriter, r *http.Request, a *asset) {
	header := w.Header()
	header.Set("Cache-Control", a.lifetime)
	header.Set("Content-Type", a.contentType)
	allowTime(w, a.size)
	body, err := s.choose(r, a)
	if err != nil {
		s.serveMissing(w, r)
		return
	}
	defer body.close()
	if s.varies(a) {
		header.Set("Vary", "Accept-Encoding")
	}
	header.Set("ETag", body.etag)
	if body.encoding != "" {
		header.Set("Content-Encoding", body.encoding)
		// ServeContent leaves it out beside an encoding, but for parts, which are not
		// asked for here, and for refusals, which have no body of this length.
		if r.Header.Get("If-Match") == "" && r.Header.Get("If-Unmodified-Since") == "" {
			header.Set("Content-Length", strconv.FormatInt(body.size, 10))
		}
	}
	http.ServeContent(w, r, "", a.modified, body.content)
}

// serveAs answers with a whole page under another status than 200. It returns an
// error only while nothing is written.
func (s *Site) serveAs(w http.ResponseWriter, r *http.Request, a *asset, status int) error {
	body, err := s.choose(r, a)
	if err != nil {
		return err
	}
	defer body.close()
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Content-Length", strconv.FormatInt(body.size, 10))
	if body.encoding != "" {
		header.Set("Content-Encoding", body.encoding)
	}
	if s.varies(a) {
		header.Set("Vary", "Accept-Encoding")
	}
	allowTime(w, body.size)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = io.Copy(w, body.content) // the client may have gone
	return nil
}

// body is one form of an asset's content.
type body struct {
	content  io.ReadSeeker
	size     int64
	encoding string // empty for the file as it is
	etag     string
	file     *os.File // to close; nil where the content is in memory
}

func (b body) close() {
	if b.file != nil {
		_ = b.file.Close() // nothing was written
	}
}

// choose returns the form that suits the request. Parts are always of the file
// as it is, because that is what a download that was cut off has begun with.
func (s *Site) choose(r *http.Request, a *asset) (body, error) {
	if r.Header.Get("Range") == "" {
		accepted := parseAccepted(r.Header.Values("Accept-Encoding"))
		for _, encoding := range encodings {
			if a.siblings[encoding.name] && accepted.takes(encoding.name) {
				return s.openFile(a, encoding.name, encoding.ending)
			}
		}
		if accepted.takes("gzip") {
			if compressed := s.compressed(a); compressed != nil {
				return body{content: bytes.NewReader(compressed), size: int64(len(compressed)), encoding: "gzip", etag: a.etag("gzip")}, nil
			}
		}
	}
	return s.openFile(a, "", "")
}

func (s *Site) openFile(a *asset, encoding, ending string) (body, error) {
	file, err := s.open(a.name + ending)
	if err != nil {
		return body{}, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close() // nothing was written
		return body{}, err
	}
	return body{content: file, size: info.Size(), encoding: encoding, etag: a.etag(encoding), file: file}, nil
}

// etag is strong: it names these bytes, so every encoding has its own.
func (a *asset) etag(encoding string) string {
	if encoding == "" {
		return `"` + a.tag + `"`
	}
	return `"` + a.tag + "-" + encoding + `"`
}

// varies reports whether the answer depends on what the client takes.
func (s *Site) varies(a *asset) bool { return len(a.siblings) > 0 || compressible(a) }

// allowTime bounds how long the answer may take. A connection that knows no
// deadlines, as in a test, has none.
func allowTime(w http.ResponseWriter, size int64) {
	limit := writeGrace + time.Duration(size/slowestBytes)*time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit))
}
