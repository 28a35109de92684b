package set

import (
	"math/bits"
	"sync"
)

// buffers are used again: a backup of 1 GB would else ask for 3 GB of memory, piece by
// piece, and each of its pages would be cleared and collected.
var buffers sync.Pool

// takeBuffer returns an empty buffer with room for so many bytes.
func takeBuffer(bytes int) []byte {
	if found, ok := buffers.Get().(*[]byte); ok && cap(*found) >= bytes {
		return (*found)[:0]
	}
	return make([]byte, 0, 1<<bits.Len(uint(bytes)))
}

// giveBuffer takes back what nobody uses any more.
func giveBuffer(buffer []byte) { buffers.Put(&buffer) }
