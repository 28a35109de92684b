package pack

import (
	"crypto/sha1" //nolint:gosec // git names objects by it; whoever forges a name cheats an app of their own
	"encoding/hex"
	"fmt"
	"hash"
)

// ID is the name of an object: the SHA-1 of its kind, size and content.
type ID [sha1.Size]byte

// String is the name as git prints it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short is how people name the object.
func (id ID) Short() string { return id.String()[:8] }

// ParseID reads 40 hexadecimal digits.
func ParseID(text string) (id ID, err error) {
	if len(text) != hex.EncodedLen(len(id)) {
		return ID{}, fmt.Errorf("%.60q is no object name", text)
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return ID{}, fmt.Errorf("%.60q is no object name", text)
	}
	return id, nil
}

// Kind is what an object is.
type Kind uint8

// The kinds, by git's numbers.
const (
	Commit Kind = 1
	Tree   Kind = 2
	Blob   Kind = 3
	Tag    Kind = 4

	byOffset Kind = 6 // a difference to an object before it in the pack
	byName   Kind = 7 // a difference to any object
)

// String is git's word.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	default:
		return "difference"
	}
}

func (k Kind) whole() bool { return k >= Commit && k <= Tag }

// newHash returns the hash of an object's name, which takes the content.
func newHash(kind Kind, size int64) hash.Hash {
	sum := sha1.New() //nolint:gosec // as above
	_, _ = fmt.Fprintf(sum, "%s %d\x00", kind, size)
	return sum
}
