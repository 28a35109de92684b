package archive

import (
	"bytes"
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
)

// The bounds of expanding ahead of the writer: small files, a few at a time, by a few
// workers. Together the buffers hold at most aheadFiles times aheadBytes, 4 MB.
const (
	aheadBytes   = 128 << 10
	aheadFiles   = 32
	aheadWorkers = 4
)

// readahead expands the small files of a ZIP on several cores while earlier files are
// written, and yields everything in order.
type readahead struct {
	source *zipSource
	queue  chan *aheadItem // in the order of the members
	work   chan *aheadItem // the part of the queue that is expanded ahead
	buffer sync.Pool       // of *bytes.Buffer with room for aheadBytes
}

// aheadItem is a member in the queue. Its text and err are set when ready is closed. If
// ready is nil, the member is expanded straight into the destination.
type aheadItem struct {
	member member
	ready  chan struct{}
	text   *bytes.Buffer
	err    error
}

func (s *zipSource) stream(ctx context.Context, members []member, wanted []bool) iter.Seq2[content, error] {
	return func(yield func(content, error) bool) {
		// The queue takes all buffers, minus one for each worker and one for the member
		// being written.
		workers := min(runtime.GOMAXPROCS(0), aheadWorkers)
		a := &readahead{
			source: s,
			queue:  make(chan *aheadItem, aheadFiles-workers-1),
			work:   make(chan *aheadItem),
			buffer: sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, aheadBytes)) }},
		}
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() { a.enqueue(ctx, members, wanted) })
		for range workers {
			group.Go(func() { a.expand(ctx) })
		}
		a.deliver(ctx, yield)
	}
}

// enqueue fills the queue until no member is left or ctx ends.
func (a *readahead) enqueue(ctx context.Context, members []member, wanted []bool) {
	defer close(a.queue)
	defer close(a.work)
	for i, m := range members {
		if !wanted[i] || m.Kind == Directory {
			continue
		}
		item := &aheadItem{member: m}
		if m.Kind == File && m.Size <= aheadBytes {
			item.ready = make(chan struct{})
		}
		select {
		case a.queue <- item:
		case <-ctx.Done():
			return
		}
		if item.ready == nil {
			continue
		}
		select {
		case a.work <- item:
		case <-ctx.Done():
			return
		}
	}
}

// expand is one worker.
func (a *readahead) expand(ctx context.Context) {
	inflater := newInflater(a.source.file)
	for item := range a.work {
		item.text = a.buffer.Get().(*bytes.Buffer) //nolint:errcheck // the pool makes nothing else
		item.text.Reset()
		item.err = inflater.copy(ctx, item.text, a.source.records[item.member.place])
		close(item.ready)
	}
}

// deliver yields the queue in order.
func (a *readahead) deliver(ctx context.Context, yield func(content, error) bool) {
	inflater := newInflater(a.source.file)
	for item := range a.queue {
		next := content{member: item.member}
		switch {
		case item.ready != nil:
			select {
			case <-item.ready:
			case <-ctx.Done():
				yield(content{}, ctx.Err())
				return
			}
			if item.err != nil {
				yield(content{}, item.err)
				return
			}
			next.writeTo = func(w io.Writer) error { return writeText(w, item.text) }
		case item.member.Kind == File:
			next.writeTo = func(w io.Writer) error {
				return inflater.copy(ctx, w, a.source.records[item.member.place])
			}
		}
		if !yield(next, nil) {
			return
		}
		if item.text != nil {
			a.buffer.Put(item.text)
		}
	}
	if err := ctx.Err(); err != nil {
		yield(content{}, err)
	}
}
