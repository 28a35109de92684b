package volumes

import (
	"context"
	"errors"
	"io"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

const (
	// FileBytes is the most that one file of a volume can be when it is uploaded.
	FileBytes int64 = 8 << 30
	// TarBytes is the most that the tar of a whole volume can be.
	TarBytes int64 = 1 << 40
	// mostListed bounds what a page shows of one folder.
	mostListed = 2000
	// tarOverhead is what the tar of an archive takes beside its files: at most
	// three blocks and the padding of one for each entry.
	tarOverhead = 4 * 512
)

// Files is the files of one volume while somebody works on them. It is for
// one goroutine, and must be closed. What a person can mend is a Problem.
type Files struct {
	volumes  *Volumes
	name     volume.Name
	session  *volume.Session
	owner    volume.Owner // of what comes in
	changed  bool
	measured bool
	usage    volume.Usage // of the whole volume, once it is measured
	quota    int64        // of the volume; 0 is none
}

// Read opens the files of a volume. When ctx ends, what is under way ends.
func (v *Volumes) Read(ctx context.Context, name volume.Name) (*Files, error) {
	session, err := v.keeper.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return nil, Failure(name, err)
	}
	return &Files{volumes: v, name: name, session: session}, nil
}

// Change is Read for who adds and removes files. What is added
// belongs to whom the volume's root belongs to: the user of the app that it was
// made ready for.
func (v *Volumes) Change(ctx context.Context, name volume.Name) (*Files, error) {
	quota, err := v.quotaOf(ctx, name)
	if err != nil {
		return nil, err
	}
	session, err := v.keeper.OpenVolume(ctx, name, docker.ReadWrite)
	if err != nil {
		return nil, Failure(name, err)
	}
	root, err := session.Find("")
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	owner := root.Owner
	if owner.User == 0 {
		owner = Nobody()
	}
	return &Files{volumes: v, name: name, session: session, owner: owner, quota: quota}, nil
}

// Close ends the work.
func (f *Files) Close() error {
	if f.changed {
		f.volumes.book.changed(f.name)
	}
	return f.session.Close()
}

// List returns what is in a folder, at most 2,000 entries.
func (f *Files) List(folder volume.Path) (volume.Listing, error) {
	listing, err := f.session.List(folder, mostListed)
	return listing, app.VolumeProblem("path", err)
}

// Find returns what is at the path.
func (f *Files) Find(path volume.Path) (volume.Entry, error) {
	entry, err := f.session.Find(path)
	return entry, app.VolumeProblem("path", err)
}

// Read returns a file and its content, which must be read before anything else.
func (f *Files) Read(path volume.Path) (volume.Entry, io.Reader, error) {
	entry, content, err := f.session.Read(path)
	return entry, content, app.VolumeProblem("path", err)
}

// Pack returns a folder as a tar, to be read as Read's content.
func (f *Files) Pack(folder volume.Path) (io.Reader, error) {
	content, err := f.session.Pack(folder)
	return content, app.VolumeProblem("path", err)
}

// Write puts content into one file, which is replaced in one step where it is there.
func (f *Files) Write(path volume.Path, from io.Reader) error {
	if err := f.volumes.uploads.Refuse(); err != nil {
		return problem.AtField("file", err)
	}
	limit, bound, err := f.roomFor(FileBytes)
	if err != nil {
		return err
	}
	f.changed = true
	written, err := f.session.Write(volume.WriteOptions{Path: path, Owner: f.owner, Limit: limit}, from)
	f.usage.Stored += written.Size
	return f.outgrown(bound, err)
}

// Unpack puts what a .zip or .tar.gz holds into a folder: all of it, or nothing.
// The archive is refused for whatever the archive of an app is refused for.
func (f *Files) Unpack(ctx context.Context, folder volume.Path, from io.Reader) error {
	received, err := f.volumes.uploads.Receive(from)
	if err != nil {
		return problem.AtField("file", err)
	}
	defer received.Discard()
	tree, err := f.volumes.uploads.OpenWhole(received.File())
	if err != nil {
		return problem.Refused("file", err)
	}
	defer tree.Close()
	limit, bound, err := f.roomFor(f.volumes.uploads.Limits().ExpandedBytes)
	if err != nil {
		return err
	}
	f.changed, f.measured = true, false // what it takes on the disk is counted when more comes
	options := volume.WriteOptions{Path: folder, Owner: f.owner, Limit: limit + int64(2*f.volumes.uploads.Limits().Entries)*tarOverhead}
	err = f.session.Unpack(options, func(to io.Writer) error {
		return tree.WriteTar(ctx, to, func(archive.Entry) bool { return true })
	})
	return problem.AtField("file", problem.Refused("file", f.outgrown(bound, err)))
}

// Count returns what is in a folder, as far as it can be counted in ten seconds.
func (f *Files) Count(folder volume.Path) (volume.Usage, error) {
	usage, err := f.session.Count(folder, countFolder)
	return usage, app.VolumeProblem("path", err)
}

// Remove removes a file, or a folder with all that is in it. The root stays.
func (f *Files) Remove(path volume.Path) error {
	if path == "" {
		return problem.Invalid(
			"The volume itself is not removed this way.",
			"Choose a file or a folder in it, or delete the volume.",
		).At("path")
	}
	f.changed = true
	return app.VolumeProblem("path", f.session.Remove(path))
}
