package journal

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/controller/logs/stream"
)

const (
	readTime  = 1500 * time.Millisecond // of one page
	readBytes = 1 << 30                 // of records that one page looks at
)

// Newest is the position behind all lines of the query's streams.
func (j *Journal) Newest(name app.Name, q logs.Query) (logs.Position, error) {
	var at logs.Position
	for of, kept := range j.wanted(name, q) {
		_, next, err := kept.Chunks()
		if err != nil {
			return logs.Position{}, err
		}
		at.Set(of, next)
	}
	return at, nil
}

func (j *Journal) wanted(name app.Name, q logs.Query) map[logs.Stream]*stream.Stream {
	j.mu.RLock()
	defer j.mu.RUnlock()
	wanted := make(map[logs.Stream]*stream.Stream)
	for of, kept := range j.streams[j.Key(name)] {
		if q.Wants(of) {
			wanted[of] = kept
		}
	}
	return wanted
}

// Moment is the position before the first lines that are not older than a moment.
func (j *Journal) Moment(name app.Name, q logs.Query, moment time.Time) (logs.Position, error) {
	var at logs.Position
	for of, kept := range j.wanted(name, q) {
		chunks, next, err := kept.Chunks()
		if err != nil {
			return logs.Position{}, err
		}
		if found := slices.IndexFunc(chunks, func(c stream.Chunk) bool { return !c.To.Before(moment) }); found >= 0 {
			lines, err := read(of, chunks[found], nil)
			if err != nil {
				return logs.Position{}, err
			}
			next = chunks[found].First
			if first := slices.IndexFunc(lines, func(l logs.Line) bool { return !l.At.Before(moment) }); first >= 0 {
				next = lines[first].Number
			}
		}
		at.Set(of, next)
	}
	return at, nil
}

func read(of logs.Stream, chunk stream.Chunk, memory []logs.Line) ([]logs.Line, error) {
	raw, err := chunk.Load()
	if err != nil {
		return nil, err
	}
	return chunk.Read(of, raw, memory)
}

// Find returns the line of a number; false where it is not kept.
func (j *Journal) Find(name app.Name, of logs.Stream, number uint64) (logs.Line, bool) {
	j.mu.RLock()
	kept := j.streams[j.Key(name)][of]
	j.mu.RUnlock()
	if kept == nil {
		return logs.Line{}, false
	}
	chunks, _, err := kept.Chunks()
	if err != nil {
		return logs.Line{}, false
	}
	at := sort.Search(len(chunks), func(i int) bool { return chunks[i].First > number }) - 1
	if at < 0 {
		return logs.Line{}, false
	}
	lines, err := read(of, chunks[at], nil)
	offset := number - chunks[at].First
	if err != nil || offset >= uint64(len(lines)) {
		return logs.Line{}, false
	}
	return lines[offset], true
}

// Older returns the lines before a position, the newest first.
func (j *Journal) Older(ctx context.Context, name app.Name, q logs.Query, before logs.Position, most int) (logs.Page, error) {
	walkers, err := j.walkers(name, q, func(w *walker, end uint64) {
		w.next, _ = before.Next(w.stream)
		w.next = min(w.next, end)
		w.chunks = slices.DeleteFunc(w.chunks, func(c stream.Chunk) bool { return c.First >= w.next })
		slices.Reverse(w.chunks)
	})
	if err != nil {
		return logs.Page{}, err
	}
	return merge(ctx, walkers, (*walker).stepOlder, func(a, b time.Time) bool { return a.After(b) }, most)
}

// Newer returns the lines behind a position, the oldest first.
func (j *Journal) Newer(ctx context.Context, name app.Name, q logs.Query, after logs.Position, most int) (logs.Page, error) {
	walkers, err := j.walkers(name, q, func(w *walker, end uint64) {
		w.next, _ = after.Next(w.stream)
		if w.next > end {
			w.next = 0 // of an earlier app of this name
		}
		w.chunks = slices.DeleteFunc(w.chunks, func(c stream.Chunk) bool { return c.First+uint64(c.Lines) <= w.next })
	})
	if err != nil {
		return logs.Page{}, err
	}
	return merge(ctx, walkers, (*walker).stepNewer, func(a, b time.Time) bool { return a.Before(b) }, most)
}

func (j *Journal) walkers(name app.Name, q logs.Query, place func(w *walker, end uint64)) ([]*walker, error) {
	var walkers []*walker
	for of, kept := range j.wanted(name, q) {
		chunks, end, err := kept.Chunks()
		if err != nil {
			return nil, err
		}
		w := &walker{stream: of, query: q, chunks: chunks}
		place(w, end)
		walkers = append(walkers, w)
	}
	slices.SortFunc(walkers, func(a, b *walker) int { return strings.Compare(string(a.stream), string(b.stream)) })
	return walkers, nil
}

// merge takes the line that comes first, of all walkers, until the page is full, all is read
// or the time is over. step moves one walker by one chunk, and says how much it looked at.
func merge(ctx context.Context, walkers []*walker, step func(*walker) (int, error), first func(a, b time.Time) bool, most int) (logs.Page, error) {
	var page logs.Page
	deadline, looked := time.Now().Add(readTime), 0
	for {
		w := firstOf(walkers, first)
		if w == nil {
			break
		}
		if len(page.Lines) == most {
			page.More = true
			break
		}
		if len(w.lines) > 0 {
			page.Lines = append(page.Lines, w.pop())
			continue
		}
		if looked > readBytes || time.Now().After(deadline) {
			page.More, page.Cut = true, true
			break
		}
		bytes, err := step(w)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return logs.Page{}, err
		}
		looked += bytes
	}
	for _, w := range walkers {
		page.Next.Set(w.stream, w.next)
	}
	return page, nil
}

// firstOf is the walker that has the next line, or may have it; nil where all have ended.
func firstOf(walkers []*walker, first func(a, b time.Time) bool) *walker {
	var best *walker
	for _, w := range walkers {
		switch {
		case len(w.lines) == 0 && len(w.chunks) == 0:
		case !w.known:
			return w
		case best == nil || first(w.at, best.at):
			best = w
		}
	}
	return best
}
