// Package journal keeps the logs of all apps in a folder: one goroutine writes, within bounds
// for each app and for all, and anybody reads.
package journal

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/folder"
	"berth/controller/handle"
	"berth/controller/logs"
	"berth/controller/logs/stream"
	"berth/controller/notice"
)

// Options are what a Journal needs; all are required.
type Options struct {
	Folder string
	// Days is for how many days lines are kept; 0 is for ever.
	Days func(context.Context) int
	// MostApp and MostAll are how many bytes the logs of one app, and of all, take on the disk.
	MostApp, MostAll int64
	Logger           *slog.Logger
	// Handles are the words by which the folders of renamed apps are called; nil where none was.
	Handles *handle.Book
}

// Journal keeps logs while Run runs. It is safe for concurrent use.
type Journal struct {
	options Options
	root    *os.Root
	board   *notice.Board // tells that an app has new lines
	pending atomic.Int64  // bytes that wait to be written, of all writers

	mu      sync.RWMutex
	streams map[app.Name]map[logs.Stream]*stream.Stream // by the handles of apps
	writers map[*Writer]struct{}

	unwritten map[place]int // lines that the disk did not take; of the goroutine of Run alone

	hurry  chan struct{}      // a writer has much
	sweeps chan chan struct{} // somebody wants a sweep, and waits for its end
}

// Open opens the logs in the folder, which only Berth may enter.
func Open(o Options) (*Journal, error) {
	root, err := folder.OpenPrivate(o.Folder)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		options: o, root: root, board: notice.NewBoard(), streams: make(map[app.Name]map[logs.Stream]*stream.Stream),
		writers: make(map[*Writer]struct{}), unwritten: make(map[place]int), hurry: make(chan struct{}, 1), sweeps: make(chan chan struct{}),
	}
	apps, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range apps {
		if name, err := app.ParseName(entry.Name()); err == nil && entry.IsDir() {
			j.openApp(name)
		}
	}
	return j, nil
}

func (j *Journal) openApp(name app.Name) {
	entries, err := fs.ReadDir(j.root.FS(), string(name))
	if err != nil {
		j.options.Logger.Warn("open the logs of an app", "app", name, "error", err)
	}
	for _, entry := range entries {
		if of, ok := logs.ParseStream(entry.Name()); ok && entry.IsDir() {
			j.open(name, of)
		}
	}
}

// Key is what the logs of an app are kept by: its handle.
func (j *Journal) Key(name app.Name) app.Name { return app.Name(j.options.Handles.Of(string(name))) }

// open returns a stream, which it opens if needed; nil where it cannot be opened.
func (j *Journal) open(name app.Name, of logs.Stream) *stream.Stream {
	j.mu.Lock()
	defer j.mu.Unlock()
	if found := j.streams[name][of]; found != nil {
		return found
	}
	opened, err := stream.Open(j.root, path.Join(string(name), string(of)))
	if err != nil {
		j.options.Logger.Warn("open a log", "app", name, "stream", of, "error", err)
		return nil
	}
	if j.streams[name] == nil {
		j.streams[name] = make(map[logs.Stream]*stream.Stream)
	}
	j.streams[name][of] = opened
	return opened
}

// Mark is how far the output of a container was kept, by the id that its lines have.
func (j *Journal) Mark(name app.Name, of logs.Stream, instance string) docker.Cursor {
	j.mu.RLock()
	found := j.streams[j.Key(name)][of]
	j.mu.RUnlock()
	if found == nil {
		return docker.Cursor{}
	}
	return found.Mark(instance)
}

// Subscribe returns a channel that ticks when the app has new lines. The caller must call cancel.
func (j *Journal) Subscribe(name app.Name) (ticks <-chan struct{}, cancel func()) {
	return j.board.Subscribe(j.Key(name))
}

// Streams are the streams of an app.
func (j *Journal) Streams(name app.Name) []logs.Stream {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var names []logs.Stream
	for of := range j.streams[j.Key(name)] {
		names = append(names, of)
	}
	return names
}

// Sizes tells how much there is of each app.
func (j *Journal) Sizes() map[app.Name]int64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	sizes := make(map[app.Name]int64, len(j.streams))
	for name, streams := range j.streams {
		for _, kept := range streams {
			sizes[app.Name(j.options.Handles.Name(string(name)))] += kept.Size().Bytes
		}
	}
	return sizes
}

const (
	writeEvery = 200 * time.Millisecond
	sweepEvery = 10 * time.Second
)

// Run writes until ctx ends, and then what it still has.
func (j *Journal) Run(ctx context.Context) error {
	writes, sweeps := time.NewTicker(writeEvery), time.NewTicker(sweepEvery)
	defer writes.Stop()
	defer sweeps.Stop()
	for {
		select {
		case <-ctx.Done():
			j.write()
			return nil
		case <-writes.C:
			j.write()
		case <-j.hurry:
			j.write()
		case <-sweeps.C:
			j.sweep(ctx)
		case done := <-j.sweeps:
			j.write()
			j.sweep(ctx)
			close(done)
		}
	}
}

// Sweep has what waits written, and what is not kept removed. It waits for the end.
func (j *Journal) Sweep(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case j.sweeps <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
