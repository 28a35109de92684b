package moving

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"berth/controller/docker"
	"berth/controller/volume"
)

const (
	mostInFolder = 1 << 20 // entries of one folder
	mostListed   = 2 << 20 // entries of one volume; one with more is sent whole once more
	// grain is how exact the times of files are: what changed so shortly before the list
	// may have changed once more in the same tick.
	grain = 2 * time.Second
)

// listing is what a volume held at a moment.
type listing struct {
	at      time.Time
	entries map[volume.Path]volume.Entry // without what no tar can hold
}

// changed reports whether the entry must be sent again.
func (l *listing) changed(path volume.Path, now volume.Entry) bool {
	before, known := l.entries[path]
	same := known && before.Kind == now.Kind && before.Size == now.Size && before.Mode == now.Mode && before.Owner == now.Owner &&
		before.Link == now.Link && before.Modified.Equal(now.Modified)
	return !same || now.Kind == volume.File && now.Modified.After(l.at.Add(-grain))
}

// list returns nil without an error where the volume cannot be listed whole.
func (j *job) list(ctx context.Context, name volume.Name) (*listing, error) {
	session, err := j.o.Keeper.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open volume %s: %w", name, err)
	}
	listed, err := listIn(session)
	if _, refused := errors.AsType[*volume.Refusal](err); refused { // deeper than a path can be, or it changes too fast
		listed, err = nil, nil
	}
	return listed, errors.Join(err, session.Close())
}

func listIn(session *volume.Session) (*listing, error) {
	made := &listing{at: time.Now(), entries: make(map[volume.Path]volume.Entry)}
	for folders := []volume.Path{""}; len(folders) > 0; {
		folder := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		found, err := session.List(folder, mostInFolder)
		if refusal, ok := errors.AsType[*volume.Refusal](err); ok && refusal.Code == volume.Missing && folder != "" {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		if found.More || len(made.entries)+len(found.Entries) > mostListed {
			return nil, &volume.Refusal{Code: volume.TooLarge, Reason: "There are too many files to list."}
		}
		for _, entry := range found.Entries {
			path := folder.Join(entry.Name)
			switch entry.Kind {
			case volume.Folder:
				folders = append(folders, path)
			case volume.File, volume.Symlink:
			default:
				continue
			}
			made.entries[path] = entry
		}
	}
	return made, nil
}

// sendWhole replaces what the volume there holds, if anything.
func (j *job) sendWhole(ctx context.Context, name volume.Name) error {
	used, err := j.usage(ctx, name)
	if err != nil {
		return err
	}
	j.count.begin(used.Bytes)
	return j.sendTar(ctx, name, volume.Replace, func(session *volume.Session, to io.Writer) error { return session.WriteAll(to) })
}

// sendChanges sends what differs from the list, and tells what is gone.
func (j *job) sendChanges(ctx context.Context, name volume.Name, before *listing) error {
	now, err := j.list(ctx, name)
	if err != nil {
		return err
	}
	if now == nil {
		return j.sendWhole(ctx, name)
	}
	made := differenceOf(before, now)
	j.count.begin(made.bytes)
	return j.sendTar(ctx, name, volume.Merge, made.write)
}

// changes are what a Merge makes of the volume before the volume of now.
type changes struct {
	gone  []volume.Path // in order; what is below one of them goes with it
	fresh []volume.Path // in order, folders before what is in them
	now   *listing
	bytes int64
}

func differenceOf(before, now *listing) changes {
	made := changes{now: now}
	fresh := make(map[volume.Path]bool)
	for path, entry := range now.entries {
		if !before.changed(path, entry) {
			continue
		}
		fresh[path] = true
		made.bytes += entry.Size
		for above := path.Folder(); above != ""; above = above.Folder() {
			fresh[above] = true // what comes into a folder changes its time
		}
	}
	for path, entry := range before.entries {
		other, there := now.entries[path]
		if there && other.Kind == entry.Kind {
			continue
		}
		made.gone = append(made.gone, path)
		for above := path.Folder(); above != ""; above = above.Folder() {
			if found, there := now.entries[above]; there && found.Kind == volume.Folder {
				fresh[above] = true
			}
		}
	}
	slices.Sort(made.gone)
	made.gone = slices.CompactFunc(made.gone, func(above, path volume.Path) bool { return strings.HasPrefix(string(path), string(above)+"/") })
	made.fresh = slices.Sorted(maps.Keys(fresh))
	return made
}

// write writes the tar of the changes.
func (c changes) write(session *volume.Session, to io.Writer) error {
	root, err := session.Find("")
	if err != nil {
		return err
	}
	out := tar.NewWriter(to)
	if err := out.WriteHeader(volume.RootHeader(root)); err != nil {
		return err
	}
	for _, path := range c.gone {
		if err := out.WriteHeader(volume.RemovedHeader(path)); err != nil {
			return err
		}
	}
	for _, path := range c.fresh {
		if err := writeEntry(out, session, path, c.now.entries[path]); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeEntry(out *tar.Writer, session *volume.Session, path volume.Path, entry volume.Entry) error {
	if entry.Kind != volume.File {
		return out.WriteHeader(volume.Header(path, entry))
	}
	read, content, err := session.Read(path)
	if err != nil {
		return err
	}
	if err := out.WriteHeader(volume.Header(path, read)); err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return err
}

// sendTar sends what write writes of the volume.
func (j *job) sendTar(ctx context.Context, name volume.Name, way volume.Way, write func(*volume.Session, io.Writer) error) error {
	address := j.pathThere(name) + "/tar?way=" + string(way)
	err := j.there.ask(ctx, http.MethodPut, address, func() (io.Reader, string, error) {
		session, err := j.o.Keeper.OpenVolume(ctx, name, docker.ReadOnly)
		if err != nil {
			return nil, "", fmt.Errorf("open volume %s: %w", name, err)
		}
		j.count.again()
		reader, writer := io.Pipe()
		go func() {
			err := errors.Join(write(session, io.MultiWriter(writer, j.count)), session.Close())
			if err != nil {
				err = &ownError{err}
			}
			_ = writer.CloseWithError(err)
		}()
		return reader, "application/x-tar", nil
	}, nil)
	return told("the volume "+string(name), err)
}

// counter counts what is sent. It is safe for concurrent use, and nil counts nothing.
type counter struct {
	mu           sync.Mutex
	began        time.Time
	bytes, total int64
}

func (c *counter) begin(total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.bytes, c.total = time.Now(), 0, total
}

// again begins anew with the same total.
func (c *counter) again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.bytes = time.Now(), 0
}

// Write implements io.Writer.
func (c *counter) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += int64(len(data))
	return len(data), nil
}

func (c *counter) read() Progress {
	if c == nil {
		return Progress{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	made := Progress{Bytes: c.bytes, Total: max(c.total, c.bytes)}
	if c.total == 0 {
		made.Total = 0
	}
	if took := time.Since(c.began).Seconds(); took >= 1 {
		made.Rate = int64(float64(c.bytes) / took)
	}
	return made
}
