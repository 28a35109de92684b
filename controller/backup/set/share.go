package set

import (
	"io"
	"runtime"
)

// share is how many cores a set is worked on with at once. The others are for the apps.
type share chan struct{}

func halfOfCores() share { return make(share, max(1, runtime.GOMAXPROCS(0)/2)) }

func (s share) take() { s <- struct{}{} }
func (s share) give() { <-s }

// aside gives the share back while from is read, for whoever has taken it.
func (s share) aside(from io.Reader) io.Reader { return &waiting{from, s} }

type waiting struct {
	from  io.Reader
	share share
}

// Read implements io.Reader.
func (w *waiting) Read(to []byte) (int, error) {
	w.share.give()
	defer w.share.take()
	return w.from.Read(to)
}
