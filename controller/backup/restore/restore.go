// Package restore brings a server, or a part of one, back from a backup: all of it, or nothing.
package restore

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// Keeper makes volumes and fills them. docker.Engine is the one there is.
type Keeper interface {
	CreateVolume(ctx context.Context, name volume.Name, description string) error
	FindVolume(ctx context.Context, name volume.Name) (docker.Volume, error)
	RemoveVolume(ctx context.Context, name volume.Name) error
	OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error)
}

// Options are what a restore needs. Every field is required unless it says otherwise.
type Options struct {
	From       target.Target
	Set        set.ID // empty is the newest
	Identities []age.Identity
	Keeper     Keeper
	DataFolder string
	ACMEFolder string // empty: the issued certificates are left out
	// Told hears what is done and how far it is, now and then.
	Told func(what string, bytes, of int64)
}

const endTimeout = time.Minute // that taking back may last after ctx has ended

// Open opens the set.
func Open(ctx context.Context, o Options) (*set.Reader, error) {
	id := o.Set
	if id == "" {
		all, err := set.List(ctx, o.From)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, problem.NotFound("There is no whole backup in this place.", "Check the folder, or the bucket and the prefix.")
		}
		id = all[0]
	}
	reader, err := set.Open(ctx, o.From, id, o.Identities)
	return reader, Failure(id, err)
}

// Failure says of an error what a person can do.
func Failure(id set.ID, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, set.ErrWrongKey):
		return problem.Forbidden(fmt.Sprintf("The key does not open the backup %s.", id), "Give the private key that was shown when backups were set up.").Because(err)
	case errors.Is(err, set.ErrDamaged):
		return problem.Conflict(
			fmt.Sprintf("The backup %s is damaged, so nothing was restored.", id),
			"Choose another one with --set; berth restore --list shows them.",
		).Because(err)
	case errors.Is(err, target.ErrMissing):
		return problem.NotFound(fmt.Sprintf("There is no backup %s.", id), "See them with berth restore --list.").Because(err)
	default:
		return err
	}
}

// Server brings a whole server back on a machine that has none. Every object is compared
// with the manifest before anything is written. The ledger comes last: without it there is
// no server.
func Server(ctx context.Context, o Options) (set.Manifest, error) {
	reader, err := Open(ctx, o)
	if err != nil {
		return set.Manifest{}, err
	}
	if err := o.checkEmpty(ctx, reader); err != nil {
		return set.Manifest{}, err
	}
	if err := o.verify(ctx, reader, reader.Parts); err != nil {
		return set.Manifest{}, err
	}
	staged, err := o.stage(ctx, reader)
	if err != nil {
		return set.Manifest{}, err
	}
	defer func() { _ = os.RemoveAll(staged) }()
	made, err := o.fillAll(ctx, reader)
	if err == nil {
		err = o.commit(staged)
	}
	if err != nil {
		return set.Manifest{}, errors.Join(err, o.takeBack(ctx, made))
	}
	return reader.Manifest, nil
}

// Volumes brings back volumes of the names, each as it was called, or one of them under
// another name.
func Volumes(ctx context.Context, o Options, names []string, as volume.Name) (set.Manifest, error) {
	reader, err := Open(ctx, o)
	if err != nil {
		return set.Manifest{}, err
	}
	parts := slices.DeleteFunc(slices.Clone(reader.Parts), func(p set.Part) bool { return p.Kind != set.Volume || !slices.Contains(names, p.Volume) })
	if len(parts) == 0 || len(parts) < len(names) {
		return set.Manifest{}, problem.NotFound(
			fmt.Sprintf("The backup %s does not have the volume %s.", reader.Set, strings.Join(names, ", ")), "See its volumes with berth restore --list --set "+string(reader.Set)+".")
	}
	if as != "" {
		parts[0].Volume = string(as)
	}
	for _, part := range parts {
		if err := o.checkVolume(ctx, part); err != nil {
			return set.Manifest{}, err
		}
	}
	if err := o.verify(ctx, reader, parts); err != nil {
		return set.Manifest{}, err
	}
	made, err := o.fill(ctx, reader, parts)
	if err != nil {
		return set.Manifest{}, errors.Join(err, o.takeBack(ctx, made))
	}
	return reader.Manifest, nil
}

// Ledger writes the ledger of the set to a file that is not there yet.
func Ledger(ctx context.Context, o Options, file string) (set.Manifest, error) {
	reader, err := Open(ctx, o)
	if err != nil {
		return set.Manifest{}, err
	}
	if err := o.verify(ctx, reader, reader.Parts[:1]); err != nil {
		return set.Manifest{}, err
	}
	o.DataFolder = filepath.Dir(file)
	staged, err := o.stage(ctx, reader)
	if err != nil {
		return set.Manifest{}, err
	}
	defer func() { _ = os.RemoveAll(staged) }()
	if err := os.Link(filepath.Join(staged, "data", ledgerFile), file); err != nil {
		return set.Manifest{}, fmt.Errorf("write the ledger: %w", err)
	}
	return reader.Manifest, nil
}

const ledgerFile = "berth.db"

// checkEmpty refuses a machine that has a server, or volumes that hold something.
func (o Options) checkEmpty(ctx context.Context, reader *set.Reader) error {
	if len(reader.Parts) == 0 || reader.Parts[0].Kind != set.Server {
		return problem.Conflict("The backup holds no server.", "Choose another one.")
	}
	if _, err := os.Lstat(filepath.Join(o.DataFolder, ledgerFile)); !errors.Is(err, fs.ErrNotExist) {
		return problem.Conflict(
			fmt.Sprintf("There is a Berth in %s already, so nothing was restored.", o.DataFolder),
			"Restore on a machine without one, or single volumes with --volume.",
		).Because(err)
	}
	for _, part := range reader.Parts[1:] {
		if err := o.checkVolume(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) checkVolume(ctx context.Context, part set.Part) error {
	name, err := volume.ParseName(part.Volume)
	if err != nil {
		return err
	}
	_, err = o.Keeper.FindVolume(ctx, name)
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return problem.Conflict(
		fmt.Sprintf("There is a volume called %s already, so nothing was restored.", part.Volume),
		"Delete the volume first, or restore it under another name with --volume NAME --as OTHER.",
	)
}

// verify reads everything once and keeps nothing.
func (o Options) verify(ctx context.Context, reader *set.Reader, parts []set.Part) error {
	return Failure(reader.Set, reader.Verify(ctx, parts, o.counter("checking", parts)))
}

// counter tells how far the parts are.
func (o Options) counter(what string, parts []set.Part) func(int64) {
	var done, of int64
	for _, part := range parts {
		of += part.Bytes
	}
	return func(bytes int64) {
		done += bytes
		o.Told(what, done, of)
	}
}

// stage unpacks the server's part into a folder beside its place.
func (o Options) stage(ctx context.Context, reader *set.Reader) (folder string, err error) {
	if err := os.MkdirAll(o.DataFolder, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	folder = filepath.Join(o.DataFolder, ".restore-"+rand.Text())
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	content, pipe := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(folder, content)
		_ = content.CloseWithError(err)
		unpacked <- err
	}()
	err = reader.Read(ctx, reader.Parts[0], pipe, func(int64) {})
	_ = pipe.CloseWithError(err)
	if err = errors.Join(err, <-unpacked); err != nil {
		return "", errors.Join(Failure(reader.Set, err), os.RemoveAll(folder))
	}
	return folder, nil
}

// fileMode is of all files but certificates, which are public.
const fileMode = 0o600

// unpack makes the files of a tar below the folder. Only files are in it.
func unpack(folder string, from io.Reader) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	in := tar.NewReader(from)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, from)
			return err
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || !fs.ValidPath(header.Name) {
			return fmt.Errorf("%w: the entry %q is no file", set.ErrDamaged, header.Name)
		}
		if err := unpackFile(root, header, in); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, header *tar.Header, from io.Reader) error {
	if err := root.MkdirAll(path.Dir(header.Name), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(fileMode)
	if strings.HasSuffix(header.Name, ".crt") {
		mode = 0o644
	}
	file, err := root.OpenFile(header.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// fillAll makes and fills the volumes of the set.
func (o Options) fillAll(ctx context.Context, reader *set.Reader) (made []volume.Name, err error) {
	return o.fill(ctx, reader, reader.Parts[1:])
}

// fill returns the volumes that it made, with an error too.
func (o Options) fill(ctx context.Context, reader *set.Reader, parts []set.Part) (made []volume.Name, err error) {
	told := o.counter("restoring", parts)
	for _, part := range parts {
		name := volume.Name(part.Volume)
		if err := o.Keeper.CreateVolume(ctx, name, part.Description); err != nil {
			return made, fmt.Errorf("make volume %s: %w", name, err)
		}
		made = append(made, name)
		if err := o.fillVolume(ctx, reader, part, told); err != nil {
			return made, err
		}
	}
	return made, nil
}

func (o Options) fillVolume(ctx context.Context, reader *set.Reader, part set.Part, told func(int64)) error {
	session, err := o.Keeper.OpenVolume(ctx, volume.Name(part.Volume), docker.ReadWrite)
	if err != nil {
		return err
	}
	err = session.Restore(func(to io.Writer) error { return reader.Read(ctx, part, to, told) })
	return errors.Join(Failure(reader.Set, err), session.Close())
}

// takeBack removes the volumes that a restore made which did not come to its end.
func (o Options) takeBack(ctx context.Context, made []volume.Name) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	var errs []error
	for _, name := range made {
		errs = append(errs, o.Keeper.RemoveVolume(ctx, name))
	}
	return errors.Join(errs...)
}

// commit moves what is staged to its place, the ledger last.
func (o Options) commit(staged string) error {
	data := filepath.Join(staged, "data")
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	// A folder that is there is empty, or left from a restore that was killed: it has no ledger.
	for _, entry := range entries {
		if entry.Name() == ledgerFile {
			continue
		}
		to := filepath.Join(o.DataFolder, entry.Name())
		if err := errors.Join(os.RemoveAll(to), os.Rename(filepath.Join(data, entry.Name()), to)); err != nil {
			return fmt.Errorf("put %s in place: %w", entry.Name(), err)
		}
	}
	if err := o.commitACME(filepath.Join(staged, "acme", "acme.json")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(data, ledgerFile), filepath.Join(o.DataFolder, ledgerFile)); err != nil {
		return fmt.Errorf("put the ledger in place: %w", err)
	}
	return syncFolder(o.DataFolder)
}

// commitACME copies: the folder is another volume. Certificates that are there stay.
func (o Options) commitACME(from string) error {
	content, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) || o.ACMEFolder == "" {
		return nil
	}
	if err != nil {
		return err
	}
	to := filepath.Join(o.ACMEFolder, "acme.json")
	if info, err := os.Stat(to); err == nil && info.Size() > 0 {
		return nil
	}
	if err := os.WriteFile(to, content, fileMode); err != nil { //nolint:gosec // the operator's own setting names the folder
		return fmt.Errorf("put certificates in place: %w", err)
	}
	return nil
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
