// Package target says where backups are kept, and keeps them in a folder.
package target

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// ErrMissing says that there is no object of a name.
var ErrMissing = errors.New("there is no such object")

// Refusal is what a store answered in place of what it was asked for, in words that are
// safe to show.
type Refusal struct{ Answer string }

// Error says what the store answered.
func (r *Refusal) Error() string { return "the store answered " + r.Answer }

// Object is one object of a target.
type Object struct {
	Name  string // slash-separated
	Bytes int64
}

// Target keeps objects by name. It is safe for concurrent use.
type Target interface {
	// Put keeps the object, which is there whole afterwards, or as it was before.
	Put(ctx context.Context, name string, content []byte) error
	// Get returns the content, which the caller closes; ErrMissing where there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List calls visit for each object whose name begins with the prefix, in no order.
	List(ctx context.Context, prefix string, visit func(Object) error) error
	// Remove removes the object. One that is not there is fine.
	Remove(ctx context.Context, name string) error
}

// usualLimit is how much room Read makes at once: for what has such a limit, all of it.
const usualLimit = 5 << 20

// Read returns an object of at most limit bytes.
func Read(ctx context.Context, from Target, name string, limit int64) ([]byte, error) {
	return ReadInto(ctx, from, name, limit, make([]byte, 0, min(limit, usualLimit)+bytes.MinRead))
}

// ReadInto is Read into a buffer, which is replaced where it has no room for bytes.MinRead
// more than the object.
func ReadInto(ctx context.Context, from Target, name string, limit int64, buffer []byte) ([]byte, error) {
	reader, err := from.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	content := bytes.NewBuffer(buffer[:0])
	if _, err := content.ReadFrom(io.LimitReader(reader, limit+1)); err != nil {
		return nil, err
	}
	if int64(content.Len()) > limit {
		return nil, errors.New("the object is larger than it should be")
	}
	return content.Bytes(), nil
}
