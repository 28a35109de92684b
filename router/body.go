package router

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"berth/controller/archive"
	"berth/controller/problem"
)

// What a request may carry.
const (
	smallBody    int64 = 1 << 20 // forms and JSON
	formOverhead int64 = 1 << 20 // what surrounds the archive in an upload
)

// archiveBody is an archive and the form around it.
var archiveBody = archive.DefaultLimits().CompressedBytes + formOverhead

// A body must make progress: progressBytes in every progressWindow. A slow line
// manages that; a client that holds a connection open for its own sake does not.
const (
	progressBytes  = 16 << 10
	progressWindow = 30 * time.Second
)

// What is read of a body after the answer is clear, so that a browser, which
// sends first and listens after, gets to see the answer.
const (
	drainTime = 20 * time.Second
	drainMost = 512 << 20
)

// capBody bounds the body in bytes and in pace.
func (a *admin) capBody(v *visit) {
	limit := v.route.body
	if limit == 0 {
		limit = smallBody
	}
	r := v.request()
	v.body = &pacedBody{body: r.Body, controller: http.NewResponseController(v.gin.Writer), now: a.now}
	r.Body = http.MaxBytesReader(v.gin.Writer, v.body, limit)
}

// declaredTooLarge refuses a body by its own word, before it is read.
func declaredTooLarge(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	return nil
}

// tooLargeProblem words the cap of a body.
func tooLargeProblem(limit int64, cause error) *problem.Problem {
	if limit <= smallBody {
		return problem.TooLarge(fmt.Sprintf("The request is larger than %d MB.", limit>>20), "Send less at once.").Because(cause)
	}
	return problem.TooLarge(
		fmt.Sprintf("The archive is larger than %d MB.", (limit-formOverhead)>>20),
		"Leave out what the build does not need, such as .git, node_modules and test data.",
	).At(fieldArchive).Because(cause)
}

// pacedBody moves the read deadline on as long as bytes come.
type pacedBody struct {
	body       io.ReadCloser
	controller *http.ResponseController
	now        func() time.Time
	due        int64     // bytes until the deadline moves on
	latest     time.Time // the deadline moves no further than this; zero is no bound
	broke      atomic.Pointer[error]
}

// Read reads on, and moves the deadline where enough came since the last time.
func (p *pacedBody) Read(buffer []byte) (int, error) {
	if p.due <= 0 {
		p.due = progressBytes
		p.setDeadline(p.now().Add(progressWindow))
	}
	n, err := p.body.Read(buffer)
	p.due -= int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		// The server goes on reading, to notice a caller who leaves, and would
		// take a deadline that passes meanwhile for one.
		_ = p.controller.SetReadDeadline(time.Time{})
	default:
		p.broke.Store(&err)
	}
	return n, err
}

// broken returns what ended the body before its end, in words; nil where nothing did.
// Whoever read it may have lost the error on the way.
func (p *pacedBody) broken() *problem.Problem {
	if p == nil || p.broke.Load() == nil {
		return nil
	}
	cause := *p.broke.Load()
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		return problem.Malformed(
			fmt.Sprintf("The request stood still for %s and was given up.", progressWindow),
			"Send it again over a steadier line.",
		).Because(cause)
	}
	return problem.Malformed("The request ended before its end.", "Send it again.").Because(cause)
}

// Close closes the body.
func (p *pacedBody) Close() error { return p.body.Close() }

func (p *pacedBody) setDeadline(deadline time.Time) {
	if !p.latest.IsZero() && deadline.After(p.latest) {
		deadline = p.latest
	}
	// A connection without deadlines, as in tests, has no pace.
	_ = p.controller.SetReadDeadline(deadline)
}

// drain reads what is left of a refused upload, beyond its cap too.
func (v *visit) drain() {
	before := v.body.broke.Load()
	defer func() { v.body.broke.Store(before) }() // what ends the rest is not what was wrong
	v.body.latest = v.admin.now().Add(drainTime)
	v.body.due = 0
	_, _ = io.CopyN(io.Discard, v.body, drainMost)
}
