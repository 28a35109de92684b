package images

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// The remote context that makes BuildKit ask the session for its files, and the names
// under which it asks.
const (
	remoteSession    = "client-session"
	contextFolder    = "context"
	dockerfileFolder = "dockerfile"
)

// sentAtOnce is how much of a file one message holds. gRPC takes a buffer of 1 MB, and
// clears it, for each that is larger than 32 kB, which is what fsutil would send.
const sentAtOnce = 16 << 10

// contextFiles offers a file system to BuildKit as the build context. BuildKit asks
// for the files that the Dockerfile needs, and for those alone.
type contextFiles struct {
	files fs.FS
	stop  func() // ends the build: fsutil would wait for the engine after an error
	mu    sync.Mutex
	err   error // the first of reading a file
}

// offer returns what a session allows for the build. The patterns of a .dockerignore
// that BuildKit sends along are dropped: they have been applied.
func (c *contextFiles) offer() session.Attachable {
	return filesync.NewFSSyncProvider(filesync.StaticDirSource{contextFolder: c, dockerfileFolder: c},
		func(_ string, filter *fsutil.FilterOpt) error {
			filter.ExcludePatterns = nil
			return nil
		})
}

// Walk implements fsutil.FS.
func (c *contextFiles) Walk(ctx context.Context, target string, visit fs.WalkDirFunc) error {
	root := strings.Trim(filepath.ToSlash(filepath.Clean(target)), "/")
	if root == "" {
		root = "."
	}
	info, err := fs.Lstat(c.files, root)
	if err != nil {
		return err
	}
	each := func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || path == "." {
			return err
		}
		stat, err := c.stat(path, entry)
		if err != nil {
			return err
		}
		return visit(path, &fsutil.DirEntryInfo{Stat: stat}, nil)
	}
	if info.IsDir() {
		return fs.WalkDir(c.files, root, each)
	}
	if err := each(root, fs.FileInfoToDirEntry(info), nil); !errors.Is(err, fs.SkipDir) && !errors.Is(err, fs.SkipAll) {
		return err
	}
	return nil
}

func (c *contextFiles) stat(path string, entry fs.DirEntry) (*types.Stat, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	stat := &types.Stat{Path: path, Mode: uint32(info.Mode()), ModTime: info.ModTime().UnixNano()}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		stat.Linkname, err = fs.ReadLink(c.files, path)
	case !info.IsDir():
		stat.Size = info.Size()
	}
	return stat, err
}

// Open implements fsutil.FS. An error comes with the first read: a file that cannot
// be opened would be sent as an empty one.
func (c *contextFiles) Open(path string) (io.ReadCloser, error) {
	file, err := c.files.Open(filepath.ToSlash(path))
	if err != nil {
		return io.NopCloser(&contextFile{of: c, err: err}), nil //nolint:nilerr // it comes with the first read
	}
	return struct {
		io.Reader
		io.Closer
	}{&contextFile{of: c, from: file}, file}, nil
}

// failure is why the context could not be read, nil where it could.
func (c *contextFiles) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *contextFiles) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		c.stop()
	}
}

// contextFile keeps the error of reading, which BuildKit repeats as a text only.
type contextFile struct {
	of   *contextFiles
	from io.Reader
	err  error
}

// Read implements io.Reader.
func (f *contextFile) Read(p []byte) (n int, err error) {
	if err = f.err; err == nil {
		n, err = f.from.Read(p[:min(len(p), sentAtOnce)])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		f.of.fail(err)
	}
	return n, err
}
