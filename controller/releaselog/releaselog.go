// Package releaselog keeps a log of each release, line by line, masked and bounded.
package releaselog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/folder"
	"berth/controller/handle"
	"berth/controller/printable"
	"berth/controller/problem"
)

// logLimit is how many bytes the log of one release may take on disk; a build
// that prints more is cut with a line that says so.
const logLimit = 32 << 20

// Folder keeps one folder an app with one file a release.
type Folder struct {
	root    *os.Root
	handles *handle.Book
}

// Open opens the folder, and makes it with mode 0700 where it is missing. The folder of an app
// is called by its handle.
func Open(path string, handles *handle.Book) (Folder, error) {
	root, err := folder.OpenPrivate(path)
	return Folder{root, handles}, err
}

// Open opens the log of a release. While the release is under way the file grows.
func (l Folder) Open(id app.ReleaseID) (io.ReadSeekCloser, error) {
	file, err := l.root.Open(l.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.NotFound(fmt.Sprintf("There is no log of %s.", id), "").Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", id, err)
	}
	return file, nil
}

func (l Folder) of(app app.Name) string { return l.handles.Of(string(app)) }

func (l Folder) file(id app.ReleaseID) string {
	return path.Join(l.of(id.App), strconv.FormatInt(id.Number, 10)+".log")
}

// AppendTo opens the log of a release for writing at its end, so that a resumed release goes on in it.
func (l Folder) AppendTo(id app.ReleaseID, changed func()) (*Log, error) {
	if err := l.root.MkdirAll(l.of(id.App), 0o700); err != nil {
		return nil, fmt.Errorf("make log folder of %s: %w", id.App, err)
	}
	file, err := l.root.OpenFile(l.file(id), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", id, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("measure log of %s: %w", id, err), file.Close())
	}
	return &Log{file: file, size: info.Size(), changed: changed}, nil
}

// RemoveApp removes the logs of all releases of an app.
func (l Folder) RemoveApp(app app.Name) error {
	if err := l.root.RemoveAll(l.of(app)); err != nil {
		return fmt.Errorf("remove logs of %s: %w", app, err)
	}
	return nil
}

// Log writes one release's log, line by line.
type Log struct {
	mu      sync.Mutex
	file    *os.File
	size    int64
	full    bool
	lost    int               // lines that the disk had no room for since the last one that it took
	mask    *environment.Mask // of the release's secrets; nil where there are none
	masked  environment.MaskedLines
	changed func()
}

// Line appends one line. A full disk loses lines of a log, never a release, so
// there is no error to return.
func (l *Log) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return
	}
	text = l.masked.Next(l.mask, printable.Line(text))
	if l.size+int64(len(text)) > logLimit {
		l.full = true
		text = printable.Line(fmt.Sprintf("berth: the log is longer than %d MB; the rest is left out", logLimit>>20))
	}
	if l.write(text) {
		l.changed()
	}
}

// write appends whole lines, and tells before the first one after a full disk how many
// are missing. It reports whether the disk had room.
func (l *Log) write(text string) bool {
	if l.lost > 0 {
		text = printable.Line(fmt.Sprintf("berth: %d lines are missing here: the server's disk was full", l.lost)) + text
	}
	n, err := l.file.WriteString(text)
	if err != nil {
		l.lost++
		_ = l.file.Truncate(l.size) // no half line stays; it needs no room
		return false
	}
	l.size, l.lost = l.size+int64(n), 0
	return true
}

// SetMask masks with another one from here on.
func (l *Log) SetMask(m *environment.Mask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mask = m
}

// Say appends a line of the controller's own.
func (l *Log) Say(format string, args ...any) {
	l.Line("berth: " + fmt.Sprintf(format, args...))
}

// Close closes the log.
func (l *Log) Close() { _ = l.file.Close() }
