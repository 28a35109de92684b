package set

import (
	"os"
	"sync"
)

// Keep keeps the objects that Verify reads in the file, encrypted as they are, so that Read
// does not get them again from a target that is far away. What does not fit is read again.
// The file is empty, and the caller's.
func (r *Reader) Keep(file *os.File) { r.kept = &kept{file: file, at: make(map[string]int64)} }

// kept is where the objects are in a file. It is nil where nothing is kept.
type kept struct {
	file *os.File

	mu  sync.Mutex // of what follows
	end int64
	at  map[string]int64
}

func (k *kept) put(name string, sealed []byte) {
	if k == nil {
		return
	}
	k.mu.Lock()
	at := k.end
	k.end += int64(len(sealed))
	k.mu.Unlock()
	if _, err := k.file.WriteAt(sealed, at); err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at[name] = at
}

// get returns the object, or nil where it is not kept.
func (k *kept) get(one piece) []byte {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	at, there := k.at[one.object]
	k.mu.Unlock()
	if !there {
		return nil
	}
	sealed := takeBuffer(int(one.sealed))[:one.sealed]
	if _, err := k.file.ReadAt(sealed, at); err != nil {
		return nil
	}
	return sealed
}
