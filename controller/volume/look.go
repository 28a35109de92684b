package volume

import (
	"archive/tar"
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

const (
	// namesAtOnce is how many names of a folder are held while it is walked.
	namesAtOnce = 1000
	// deepest is how far down a walk goes. Each folder on the way is held open.
	deepest = 512
)

// list answers with up to limit entries of one folder, each a line of JSON.
func (k *keeper) list(path Path, limit int) error {
	entries, more, err := k.entries(path, limit)
	if err := k.answer(answer{More: more}, err); err != nil || entries == nil {
		return err
	}
	lines := bufio.NewWriterSize(k.wire, frameBytes)
	encoder := json.NewEncoder(lines)
	for _, entry := range entries {
		if err := encoder.Encode(toWire(entry)); err != nil {
			return err
		}
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	return k.wire.finish(nil)
}

// entries is never nil without an error.
func (k *keeper) entries(path Path, limit int) (entries []Entry, more bool, err error) {
	folder, err := k.openFolder(path)
	if err != nil {
		return nil, false, explain(path, err)
	}
	defer folder.Close()
	entries = []Entry{}
	err = eachName(folder, func(name string) error {
		if path == "" && Path(name).private() {
			return nil
		}
		if len(entries) == limit {
			more = true
			return errEnough
		}
		entry, err := (&keeper{root: folder}).find(Path(name))
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Code == Missing {
			return nil // gone since
		}
		entries = append(entries, entry)
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, false, err
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(order(a)-order(b), cmp.Compare(a.Name, b.Name))
	})
	return entries, more, nil
}

func order(e Entry) int {
	if e.Kind == Folder {
		return 0
	}
	return 1
}

// openFolder opens a folder as a root of its own. Only a link inside the volume
// may be on the way.
func (k *keeper) openFolder(path Path) (*os.Root, error) { return k.root.OpenRoot(path.local()) }

// errEnough ends a walk before its end.
var errEnough = errors.New("enough")

// eachName calls visit for what is in the folder, in no order, with the memory
// of namesAtOnce.
func eachName(folder *os.Root, visit func(name string) error) error {
	names, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer names.Close()
	for {
		found, err := names.Readdirnames(namesAtOnce)
		for _, name := range found {
			if err := visit(name); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// spot is something that a walk has come to.
type spot struct {
	folder *os.Root // that holds it
	name   string
	path   string // from where the walk began; not bounded as a Path is
	info   fs.FileInfo
}

// walk calls visit for all below the folder, a folder before what it holds.
// Links are not followed. What is gone meanwhile is left out.
func walk(folder *os.Root, path string, depth int, visit func(spot) error) error {
	if depth > deepest {
		return refuse(TooLarge, Path(path), fmt.Sprintf("The folders are more than %d deep.", deepest), "Remove the deepest ones.")
	}
	return eachName(folder, func(name string) error {
		at := spot{folder: folder, name: name, path: path + name}
		if path == "" && Path(name).private() {
			return nil
		}
		var err error
		if at.info, err = folder.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		if err := visit(at); err != nil || !at.info.IsDir() {
			return err
		}
		below, err := folder.OpenRoot(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return explain(Path(at.path), err)
		}
		defer below.Close()
		return walk(below, at.path+"/", depth+1, visit)
	})
}

// count walks the volume for at most limit nanoseconds.
func (k *keeper) count(limit int64) (Usage, error) {
	usage := Usage{FreeBytes: k.freeBytes()}
	deadline := time.Now().Add(time.Duration(limit))
	err := walk(k.root, "", 0, func(at spot) error {
		if at.info.IsDir() {
			usage.Folders++
		} else {
			usage.Files++
		}
		if at.info.Mode().IsRegular() {
			usage.Bytes += at.info.Size()
		}
		if time.Now().After(deadline) {
			return errEnough
		}
		return nil
	})
	refusal := (*Refusal)(nil)
	if errors.Is(err, errEnough) || errors.As(err, &refusal) {
		usage.Partial = true
		return usage, nil
	}
	return usage, err
}

// freeBytes is what the disk beneath can still take; 0 where it does not say.
func (k *keeper) freeBytes() int64 {
	folder, err := k.root.Open(".")
	if err != nil {
		return 0
	}
	defer folder.Close()
	var disk syscall.Statfs_t
	if err := syscall.Fstatfs(int(folder.Fd()), &disk); err != nil {
		return 0
	}
	return int64(disk.Bavail) * disk.Bsize //nolint:unconvert // other machines have other types
}

// read answers with the entry of a file and then its content, exactly as long as
// the entry says.
func (k *keeper) read(path Path) error {
	file, err := k.openFile(path)
	if err != nil {
		return k.answer(answer{}, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return k.answer(answer{}, err)
	}
	entry := describe(info)
	entry.Name = path.Name()
	if err := k.answer(answer{Entry: toWire(entry)}, nil); err != nil {
		return err
	}
	_, err = io.CopyBuffer(k.wire, io.LimitReader(file, entry.Size), make([]byte, frameBytes))
	if end, _ := file.Seek(0, io.SeekCurrent); err == nil && end != entry.Size {
		err = refuse(Conflict, path, "The file became shorter while it was read.", "Download it again.")
	}
	return k.wire.finish(err)
}

// openFile opens a regular file for reading, and nothing else: opening a pipe
// waits, and opening a device can do anything.
func (k *keeper) openFile(path Path) (*os.File, error) {
	entry, err := k.find(path)
	if err != nil {
		return nil, err
	}
	if entry.Kind != File {
		return nil, refuseToRead(path, entry.Kind)
	}
	// The app may put something else there in this moment.
	file, err := k.root.OpenFile(path.local(), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = refuseToRead(path, kindOf(info.Mode()))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func refuseToRead(path Path, kind Kind) *Refusal {
	if kind == Folder {
		return refuse(Invalid, path, "This is a folder.", "Download the volume as a tar.")
	}
	return refuse(Invalid, path, fmt.Sprintf("This is a %s, not a file.", kind), "Only files can be downloaded.")
}

// pack answers with the folder as an uncompressed tar: files, folders and
// symbolic links, with their owners. Devices, pipes and sockets are left out.
func (k *keeper) pack(path Path) error {
	folder, err := k.openFolder(path)
	if err != nil {
		return k.answer(answer{}, explain(path, err))
	}
	defer folder.Close()
	if err := k.answer(answer{}, nil); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(k.wire, frameBytes)
	out := tar.NewWriter(buffered)
	err = walk(folder, "", 0, func(at spot) error { return packOne(out, at) })
	if err == nil {
		err = errors.Join(out.Close(), buffered.Flush())
	}
	return k.wire.finish(err)
}

func packOne(out *tar.Writer, at spot) error {
	entry := describe(at.info)
	header := &tar.Header{
		Name: at.path, Mode: int64(entry.Mode), ModTime: entry.Modified,
		Uid: entry.Owner.User, Gid: entry.Owner.Group, Format: tar.FormatPAX,
	}
	switch entry.Kind {
	case Folder:
		header.Typeflag, header.Name = tar.TypeDir, at.path+"/"
	case Symlink:
		link, err := at.folder.Readlink(at.name)
		if err != nil {
			return skipMissing(err)
		}
		header.Typeflag, header.Linkname = tar.TypeSymlink, link
	case File:
		return packFile(out, at, header)
	default:
		return nil
	}
	return out.WriteHeader(header)
}

// packFile writes as many bytes as the file has when it is opened. One that
// shrinks while it is read is filled up with zeros, as any tar does.
func packFile(out *tar.Writer, at spot, header *tar.Header) error {
	file, err := (&keeper{root: at.folder}).openFile(Path(at.name))
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		return nil // it became something else meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	copied, err := io.Copy(out, io.LimitReader(file, header.Size))
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, zeros{}, header.Size-copied)
	return err
}

// zeros is an endless stream of them.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(buffer []byte) (int, error) {
	clear(buffer)
	return len(buffer), nil
}

func skipMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
