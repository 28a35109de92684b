package set

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"berth/controller/backup/chunk"
)

// ID names a set: when it was begun, in UTC, and eight digits that no other has. The first
// four are the part of the second, so that of two sets the later one has the greater ID.
type ID string

const idTime = "2006-01-02T15-04-05Z"

var (
	idForm     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{8}$`)
	objectForm = regexp.MustCompile(`^objects/[0-9a-f]{2}/[0-9a-f]{32}$`)
)

// NewID returns the ID of a set that begins now.
func NewID(now time.Time) ID {
	part := int64(now.Nanosecond()) << 16 / int64(time.Second)
	return ID(fmt.Sprintf("%s-%04x%s", now.UTC().Format(idTime), part, randomHex(2)))
}

// ParseID reads an ID. It reports whether s is one.
func ParseID(s string) (ID, bool) {
	return ID(s), idForm.MatchString(s) && !ID(s).Time().IsZero()
}

// Time is when the set was begun; the zero time where that cannot be read.
func (id ID) Time() time.Time {
	text := string(id)
	if len(text) < len(idTime) {
		return time.Time{}
	}
	at, err := time.Parse(idTime, text[:len(idTime)])
	if err != nil {
		return time.Time{}
	}
	return at
}

// The places of objects.
const (
	repositoryFile = "berth-backup"
	objectsFolder  = "objects/"
	setsFolder     = "sets/"
	manifestName   = "manifest.age"
	referencesName = "objects.txt"
)

func (id ID) manifest() string   { return setsFolder + string(id) + "/" + manifestName }
func (id ID) references() string { return setsFolder + string(id) + "/" + referencesName }

// What objects can be: a piece, and what age adds for each recipient and each 64 KiB.
const (
	mostPiece  = chunk.Most
	mostSealed = chunk.Most + 64<<10
	mostText   = 256 << 20 // of a manifest, which holds some 180 bytes for each piece
)

// newObject names an object. The name says nothing of its content.
func newObject() string {
	text := randomHex(16)
	return objectsFolder + text[:2] + "/" + text
}

func isObject(name string) bool { return objectForm.MatchString(name) }

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

// setOf returns the set and the file of an object below sets/.
func setOf(object string) (id ID, file string, ok bool) {
	folder, file, ok := strings.Cut(strings.TrimPrefix(object, setsFolder), "/")
	if !ok {
		return "", "", false
	}
	id, ok = ParseID(folder)
	return id, file, ok
}
