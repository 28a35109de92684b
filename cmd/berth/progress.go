package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

const progressEvery = 100 * time.Millisecond

// progress shows on a terminal how much of an upload is sent, on one line that
// it writes again and again. On anything else it shows nothing.
type progress struct {
	out   io.Writer // nil: nobody watches
	total int64
	sent  int64
	shown time.Time
}

func newProgress(out io.Writer, total int64) *progress {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &progress{total: total}
	}
	return &progress{out: out, total: total}
}

// Write counts b; it is the side of the upload that is looked at.
func (p *progress) Write(b []byte) (int, error) {
	p.sent += int64(len(b))
	done := p.sent >= p.total
	if p.out != nil && (done || time.Since(p.shown) >= progressEvery) {
		p.shown = time.Now()
		p.show(done)
	}
	return len(b), nil
}

func (p *progress) show(done bool) {
	const megabyte = 1 << 20
	percent := 100 * p.sent / max(p.total, 1)
	_, _ = fmt.Fprintf(p.out, "\rUploading: %.1f of %.1f MB, %d%%", float64(p.sent)/megabyte, float64(p.total)/megabyte, percent)
	if done {
		_, _ = fmt.Fprintln(p.out)
	}
}
