// Package handle knows under which word the engine and the folders keep an app. An app can be renamed; its handle never changes.
package handle

import (
	"fmt"
	"maps"
	"strings"
	"sync"
)

// Book holds the handles of the apps whose name is another word. It is safe for concurrent use.
// The nil Book has the name of each app as its handle.
type Book struct {
	mu      sync.RWMutex
	handles map[string]string // by name
	names   map[string]string // by handle
}

// NewBook returns a book of handles by name. A handle that is the name itself may be left out.
func NewBook(handles map[string]string) *Book {
	b := &Book{}
	b.replace(handles)
	return b
}

func (b *Book) replace(handles map[string]string) {
	b.handles, b.names = make(map[string]string, len(handles)), make(map[string]string, len(handles))
	for name, handle := range handles {
		if name != handle {
			b.handles[name], b.names[handle] = handle, name
		}
	}
}

// Of returns the handle of the app that has the name. For a name that no app has, while another
// app has the word as its handle, it is a word that no app has: nothing is found by it.
func (b *Book) Of(name string) string {
	if b == nil || name == "" {
		return name
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if handle, ok := b.handles[name]; ok {
		return handle
	}
	if _, others := b.names[name]; others {
		return name + "-" // no name and no handle ends so
	}
	return name
}

// Name returns the name of the app that has the handle. A handle of no app is its own name.
func (b *Book) Name(handle string) string {
	if b == nil {
		return handle
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if name, ok := b.names[handle]; ok {
		return name
	}
	if _, others := b.handles[handle]; others {
		return handle + "-" // the name is that of an app with another handle
	}
	return handle
}

// Begin gives all handles by name, to be edited. Nobody reads the book until end is called, which
// keeps what was edited or drops it.
func (b *Book) Begin() (handles map[string]string, end func(keep bool)) {
	b.mu.Lock()
	edited := maps.Clone(b.handles)
	return edited, func(keep bool) {
		if keep {
			b.replace(edited)
		}
		b.mu.Unlock()
	}
}

// mostHandle is how long a handle can be, as the name of an app.
const mostHandle = 40

// Free returns the first handle for a new app of that name that is not taken: the name itself, or
// the name with a number.
func Free(name string, taken func(handle string) (bool, error)) (string, error) {
	for handle, number := name, 2; ; number++ {
		if used, err := taken(handle); err != nil || !used {
			return handle, err
		}
		ending := fmt.Sprintf("--%d", number)
		handle = strings.TrimRight(name[:min(len(name), mostHandle-len(ending))], "-") + ending
	}
}
