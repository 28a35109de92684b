// Package restore brings a server, or a part of one, back from a backup: all of it, or nothing.
package restore

import (
	"archive/tar"
	"context"
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
	"berth/controller/wholefile"
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
	// At is called at each step; nil is nobody. Tests end the process there.
	At func(Step)
}

func (o Options) at(step Step) {
	if o.At != nil {
		o.At(step)
	}
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
	case isFull(err):
		return problem.Full("The disk is full, so nothing was restored.", "Make room, and run the restore again.").Because(err)
	case errors.Is(err, target.ErrMissing):
		return problem.NotFound(fmt.Sprintf("There is no backup %s.", id), "See them with berth restore --list.").Because(err)
	default:
		return err
	}
}

// isFull reports whether a disk has no room; the helper in a volume says so in its own way.
func isFull(err error) bool {
	refusal, ok := errors.AsType[*volume.Refusal](err)
	return problem.IsDiskFull(err) || ok && refusal.Code == volume.Full
}

// Server brings a whole server back on a machine that has none. Every object is compared
// with the manifest before anything is written. The ledger comes last: without it there is
// no server. What an earlier process has left that was ended before its end is removed first.
func Server(ctx context.Context, o Options) (set.Manifest, error) {
	reader, err := Open(ctx, o)
	if err != nil {
		return set.Manifest{}, err
	}
	if len(reader.Parts) == 0 || reader.Parts[0].Kind != set.Server {
		return set.Manifest{}, problem.Conflict("The backup holds no server.", "Choose another one.")
	}
	defer o.keepNear(reader, reader.Parts)()
	held, err := o.begin(ctx, reader, reader.Parts)
	if err != nil {
		return set.Manifest{}, err
	}
	err = o.stage(ctx, reader, held)
	if err == nil {
		err = o.fill(ctx, reader, reader.Parts[1:])
	}
	if err == nil {
		err = o.commit(held)
	}
	return reader.Manifest, o.finish(ctx, held, err)
}

// finish ends a restore that came to its end, and takes back any other.
func (o Options) finish(ctx context.Context, held *hold, err error) error {
	if err != nil {
		return errors.Join(Failure(held.Set, err), o.takeBack(ctx, held))
	}
	return held.end()
}

// begin checks the parts and their places, and notes what will be made.
func (o Options) begin(ctx context.Context, reader *set.Reader, parts []set.Part) (*hold, error) {
	if _, err := o.GiveUp(ctx); err != nil {
		return nil, err
	}
	made := Journal{Set: reader.Set, Server: parts[0].Kind == set.Server}
	if err := o.checkPlaces(ctx, parts); err != nil {
		return nil, err
	}
	if err := o.verify(ctx, reader, parts); err != nil {
		return nil, err
	}
	o.at(StepVerified)
	held, err := takeHold(o.DataFolder)
	if err != nil {
		return nil, err
	}
	if err := o.checkPlaces(ctx, parts); err != nil { // another restore may have come to its end meanwhile
		return nil, errors.Join(err, held.end())
	}
	for _, part := range parts {
		if part.Kind == set.Volume {
			made.Volumes = append(made.Volumes, volume.Name(part.Volume))
		}
	}
	made.BeganAt = time.Now().UTC()
	held.Journal = made
	if err := held.write(); err != nil {
		return nil, errors.Join(err, held.end())
	}
	o.at(StepBegun)
	return held, nil
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
	defer o.keepNear(reader, parts)()
	held, err := o.begin(ctx, reader, parts)
	if err != nil {
		return set.Manifest{}, err
	}
	return reader.Manifest, o.finish(ctx, held, o.fill(ctx, reader, parts))
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
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return set.Manifest{}, problem.Conflict("There is a file called "+file+" already, so nothing was written.", "Name a new file.").Because(err)
	}
	part := file + wholefile.PartSuffix // one that is there is left from a process that was ended
	if err := removeFile(part); err != nil {
		return set.Manifest{}, fmt.Errorf("remove what an earlier restore has left: %w", err)
	}
	defer func() { _ = os.Remove(part) }()
	err = o.each(ctx, reader, func(name string, from io.Reader) error {
		if name != path.Join(stagedData, ledgerFile) {
			return nil
		}
		to, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
		if err != nil {
			return err
		}
		return fillFile(to, from)
	})
	if err == nil {
		err = os.Link(part, file)
	}
	if err != nil {
		return set.Manifest{}, fmt.Errorf("write the ledger: %w", err)
	}
	return reader.Manifest, nil
}

// What the server's part holds.
const (
	ledgerFile = "berth.db"
	acmeFile   = "acme.json"
	stagedData = "data" // what goes into the data folder
	stagedACME = "acme"
)

func (o Options) hasLedger() bool {
	_, err := os.Lstat(filepath.Join(o.DataFolder, ledgerFile))
	return !errors.Is(err, fs.ErrNotExist)
}

func (o Options) acmeFile() string { return filepath.Join(o.ACMEFolder, acmeFile) }

// checkPlaces refuses a machine that has a server, or volumes of the names.
func (o Options) checkPlaces(ctx context.Context, parts []set.Part) error {
	if parts[0].Kind == set.Server && o.hasLedger() {
		return problem.Conflict(
			fmt.Sprintf("There is a Berth in %s already, so nothing was restored.", o.DataFolder),
			"Restore on a machine without one, or single volumes with --volume.",
		)
	}
	for _, part := range parts {
		if part.Kind != set.Volume {
			continue
		}
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

// verify reads everything once and opens nothing.
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

// stage unpacks the server's part into the folder of the restore.
func (o Options) stage(ctx context.Context, reader *set.Reader, held *hold) error {
	folder := held.path(stagedFolder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	err = o.each(ctx, reader, func(name string, from io.Reader) error { return unpackFile(root, name, from) })
	if err == nil {
		o.at(StepStaged)
	}
	return err
}

// each reads the files of the server's part, one after the other.
func (o Options) each(ctx context.Context, reader *set.Reader, take func(name string, from io.Reader) error) error {
	content, pipe := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(content, take)
		_ = content.CloseWithError(err)
		unpacked <- err
	}()
	err := reader.Read(ctx, reader.Parts[0], pipe, func(int64) {})
	_ = pipe.CloseWithError(err)
	return Failure(reader.Set, errors.Join(err, <-unpacked))
}

// fileMode is of all files but certificates, which are public.
const fileMode = 0o600

// unpack reads a tar that holds nothing but files.
func unpack(from io.Reader, take func(name string, from io.Reader) error) error {
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
		if err := take(header.Name, in); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, from io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(fileMode)
	if strings.HasSuffix(name, ".crt") {
		mode = 0o644
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return fillFile(file, from)
}

// fillFile writes and closes the file.
func fillFile(file *os.File, from io.Reader) error {
	_, err := io.Copy(file, from)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// fill makes the volumes of the parts, and fills them.
func (o Options) fill(ctx context.Context, reader *set.Reader, parts []set.Part) error {
	told := o.counter("restoring", parts)
	for _, part := range parts {
		name := volume.Name(part.Volume)
		if err := o.Keeper.CreateVolume(ctx, name, part.Description); err != nil {
			return fmt.Errorf("make volume %s: %w", name, err)
		}
		o.at(StepVolumeMade)
		if err := o.fillVolume(ctx, reader, part, told); err != nil {
			return err
		}
		o.at(StepVolumeFilled)
	}
	o.at(StepFilled)
	return nil
}

func (o Options) fillVolume(ctx context.Context, reader *set.Reader, part set.Part, told func(int64)) error {
	session, err := o.Keeper.OpenVolume(ctx, volume.Name(part.Volume), docker.ReadWrite)
	if err != nil {
		return err
	}
	err = session.Restore(volume.RestoreOptions{}, func(to io.Writer) error { return reader.Read(ctx, part, to, told) })
	return errors.Join(Failure(reader.Set, err), session.Close())
}

// commit moves what is staged to its place, the ledger last. Each is in the journal before.
func (o Options) commit(held *hold) error {
	data := filepath.Join(held.path(stagedFolder), stagedData)
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != ledgerFile {
			held.Entries = append(held.Entries, entry.Name())
		}
	}
	if err := held.write(); err != nil {
		return err
	}
	for _, name := range held.Entries { // without a ledger, what is in its place is of nobody
		to := filepath.Join(o.DataFolder, name)
		if err := errors.Join(os.RemoveAll(to), os.Rename(filepath.Join(data, name), to)); err != nil {
			return fmt.Errorf("put %s in place: %w", name, err)
		}
	}
	o.at(StepEntries)
	if err := o.commitACME(held); err != nil {
		return err
	}
	o.at(StepCertificates)
	if err := wholefile.SyncFolder(o.DataFolder); err != nil {
		return err
	}
	// A link replaces nothing: a server that was started meanwhile keeps its ledger.
	if err := os.Link(filepath.Join(data, ledgerFile), filepath.Join(o.DataFolder, ledgerFile)); err != nil {
		return fmt.Errorf("put the ledger in place: %w", err)
	}
	if err := wholefile.SyncFolder(o.DataFolder); err != nil {
		return errors.Join(err, os.Remove(filepath.Join(o.DataFolder, ledgerFile)))
	}
	o.at(StepCommitted)
	return nil
}

// commitACME copies: the folder is another volume. Certificates that are there stay.
func (o Options) commitACME(held *hold) error {
	content, err := os.ReadFile(filepath.Join(held.path(stagedFolder), stagedACME, acmeFile))
	if errors.Is(err, fs.ErrNotExist) || o.ACMEFolder == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if info, err := os.Stat(o.acmeFile()); err == nil && info.Size() > 0 {
		return nil
	}
	held.ACME = true
	if err := held.write(); err != nil {
		return err
	}
	if err := wholefile.Write(o.acmeFile(), content, fileMode); err != nil {
		return fmt.Errorf("put certificates in place: %w", err)
	}
	return nil
}
