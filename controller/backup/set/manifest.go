// Package set is the format of a backup: parts cut into encrypted objects, and a manifest that is written last.
//
// docs/backups.md describes the format, so that a person can read a set with age and tar.
package set

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Format is the version of the format that this package writes and reads.
const Format = 1

// Kind says what a part is.
type Kind string

// The kinds of parts.
const (
	Server Kind = "server" // a tar of the data folder, and of what else a server needs
	Volume Kind = "volume" // a tar of one volume
)

// Part is one stream of a set.
type Part struct {
	Name        string `json:"name"` // the name of its list in the manifest
	Kind        Kind   `json:"kind"`
	Volume      string `json:"volume,omitempty"`
	Description string `json:"description,omitempty"` // of the volume
	Bytes       int64  `json:"bytes"`
	SHA256      string `json:"sha256"` // of the whole stream

	pieces []piece
}

// Image is what a service of a live release runs.
type Image struct {
	App       string `json:"app"`
	Release   int64  `json:"release"`
	Service   string `json:"service"`
	ID        string `json:"id"`
	Reference string `json:"reference,omitempty"`
	Digest    string `json:"digest,omitempty"`
	Archive   bool   `json:"archive"` // it can be built again
	// Volumes are those that the service mounts.
	Volumes []string `json:"volumes,omitempty"`
}

// Manifest says what is in a set.
type Manifest struct {
	Format     int       `json:"format"`
	Set        ID        `json:"set"`
	Repository string    `json:"repository"`
	MadeAt     time.Time `json:"made_at"`
	Stack      string    `json:"stack"`
	Version    string    `json:"version"`
	Images     []Image   `json:"images"`
	Parts      []Part    `json:"parts"`
}

// Bytes is the size of all parts.
func (m Manifest) Bytes() (sum int64) {
	for _, part := range m.Parts {
		sum += part.Bytes
	}
	return sum
}

// sum is a SHA-256.
type sum [sha256.Size]byte

// piece is a stretch of a part, in an object of its own.
type piece struct {
	object string
	bytes  int32 // before encryption
	plain  sum
	sealed int32 // bytes of the object
	cipher sum
}

const listFields = 5

// line is how a list has a piece.
func (p piece) line() string {
	return fmt.Sprintf("%s %d %x %d %x\n", p.object, p.bytes, p.plain, p.sealed, p.cipher)
}

func parsePiece(line string) (p piece, err error) {
	fields := strings.Split(line, " ")
	if len(fields) != listFields || !isObject(fields[0]) {
		return piece{}, errors.New("a line of a list is not a piece")
	}
	p.object = fields[0]
	_, err = fmt.Sscan(fields[1]+" "+fields[3], &p.bytes, &p.sealed)
	for at, to := range map[int]*sum{2: &p.plain, 4: &p.cipher} {
		raw, wrong := hex.DecodeString(fields[at])
		if wrong != nil || len(raw) != len(to) {
			return piece{}, errors.New("a line of a list has no SHA-256")
		}
		*to = sum(raw)
	}
	if err != nil || p.bytes <= 0 || p.sealed <= p.bytes || p.sealed > mostSealed || p.bytes > mostPiece {
		return piece{}, errors.New("a line of a list has a wrong size")
	}
	return p, nil
}

// manifestFile is the JSON in the tar of a manifest; the list of a part is beside it.
const (
	manifestFile = "manifest.json"
	listFolder   = "parts/"
)

// write writes the manifest as a tar.
func (m Manifest) write(to io.Writer) error {
	out := tar.NewWriter(to)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(out, manifestFile, append(text, '\n'), m.MadeAt); err != nil {
		return err
	}
	for _, part := range m.Parts {
		var list bytes.Buffer
		for _, one := range part.pieces {
			list.WriteString(one.line())
		}
		if err := writeFile(out, listFolder+part.Name, list.Bytes(), m.MadeAt); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeFile(out *tar.Writer, name string, content []byte, at time.Time) error {
	err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(content)), ModTime: at})
	if err == nil {
		_, err = out.Write(content)
	}
	return err
}

// readManifest reads what write wrote, and refuses anything else.
func readManifest(from io.Reader) (Manifest, error) {
	var m Manifest
	in := tar.NewReader(from)
	header, err := in.Next()
	if err != nil || header.Name != manifestFile {
		return Manifest{}, fmt.Errorf("there is no %s: %w", manifestFile, err)
	}
	if err := json.NewDecoder(in).Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("read %s: %w", manifestFile, err)
	}
	if m.Format != Format {
		return Manifest{}, fmt.Errorf("the set has format %d, and this Berth reads format %d", m.Format, Format)
	}
	for at := range m.Parts {
		header, err := in.Next()
		if err != nil || header.Name != listFolder+m.Parts[at].Name {
			return Manifest{}, fmt.Errorf("there is no list of part %q: %w", m.Parts[at].Name, err)
		}
		if err := m.Parts[at].readList(in); err != nil {
			return Manifest{}, err
		}
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return Manifest{}, errors.New("something follows the lists")
	}
	_, err = io.Copy(io.Discard, from)
	return m, err
}

func (p *Part) readList(from io.Reader) error {
	var total int64
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		one, err := parsePiece(lines.Text())
		if err != nil {
			return fmt.Errorf("list of part %q: %w", p.Name, err)
		}
		total += int64(one.bytes)
		p.pieces = append(p.pieces, one)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if total != p.Bytes {
		return fmt.Errorf("list of part %q: it has %d bytes, not %d", p.Name, total, p.Bytes)
	}
	return nil
}

// objects are those that the set needs, sorted, each once.
func (m Manifest) objects() []string {
	var all []string
	for _, part := range m.Parts {
		for _, one := range part.pieces {
			all = append(all, one.object)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
