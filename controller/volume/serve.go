package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Serve does what the Session on the other side of in and out asks for, in the
// volume whose root it is given, until in ends. It is root in a volume that
// belongs to somebody else: it trusts nothing in there.
//
// What came in only in part when in ends is removed; what a keeper that was
// killed left is removed by the next one that writes, or sweeps.
//
// The transfer folder is where Session.Move finds it; empty is nowhere.
func Serve(root *os.Root, transfer string, in io.Reader, out io.Writer) error {
	k := &keeper{root: root, transfer: transfer, wire: newWire(in, out)}
	defer func() {
		for _, connection := range k.moved {
			_ = connection.Close()
		}
	}()
	for {
		var asked request
		err := k.wire.receiveMessage(&asked)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := k.serve(asked); err != nil {
			return err
		}
	}
}

// keeper has the volume.
type keeper struct {
	root     *os.Root
	transfer string // folder of the sockets that a session moves to; may be empty
	wire     *wire
	moved    []io.Closer // the connections of the sockets
}

// serve answers one request. Its error is the stream's; everything else is told
// to the other side.
func (k *keeper) serve(asked request) error {
	if asked.Verb == verbWrite || asked.Verb == verbUnpack || asked.Verb == verbRestore {
		return k.take(asked)
	}
	if asked.Verb == verbMove {
		return k.move(asked)
	}
	path, err := ParsePath(string(asked.Path))
	if err != nil {
		return k.answer(answer{}, err)
	}
	switch asked.Verb {
	case verbList:
		return k.list(path, int(asked.Limit))
	case verbRead:
		return k.read(path)
	case verbPack:
		return k.pack(path)
	case verbStat:
		entry, err := k.find(path)
		return k.answer(answer{Entry: toWire(entry)}, err)
	case verbCount:
		usage, err := k.count(path, asked.Limit)
		return k.answer(answer{Usage: &usage}, err)
	case verbFolder:
		return k.answer(answer{}, k.makeFolders(path, asked.Owner))
	case verbRemove:
		return k.answer(answer{}, k.remove(path))
	case verbAdopt:
		done, err := k.adopt(asked.Owner)
		return k.answer(answer{Done: done}, err)
	case verbHand:
		return k.hand(asked.Owner)
	case verbSweep:
		return k.answer(answer{}, sweepStages(k.root))
	default:
		return k.answer(answer{}, fmt.Errorf("unknown verb %q", asked.Verb))
	}
}

func (k *keeper) answer(result answer, err error) error {
	if err == nil {
		return k.wire.sendMessage(result)
	}
	return k.wire.sendMessage(failed(err))
}

// find describes what is at the path; a symbolic link is what it is, and not
// where it leads.
func (k *keeper) find(path Path) (Entry, error) {
	info, err := k.root.Lstat(path.local())
	if err != nil {
		return Entry{}, explain(path, err)
	}
	entry := describe(info)
	entry.Name = path.Name()
	if entry.Kind == Symlink {
		entry.Link, err = k.root.Readlink(path.local())
	}
	return entry, explain(path, err)
}

// describe is all of an entry but where a link leads.
func describe(info fs.FileInfo) Entry {
	entry := Entry{Name: info.Name(), Kind: kindOf(info.Mode()), Mode: info.Mode().Perm(), Modified: info.ModTime()}
	if entry.Kind == File {
		entry.Size = info.Size()
	}
	entry.Owner = ownerOf(info)
	return entry
}

// adopt gives the volume's root to owner where the volume is empty and its root
// is another's. It reports whether it did.
func (k *keeper) adopt(owner Owner) (bool, error) {
	empty, err := k.isEmpty()
	if err != nil || !empty {
		return false, err
	}
	info, err := k.root.Stat(".")
	if err != nil {
		return false, err
	}
	if describe(info).Owner == owner {
		return false, nil
	}
	return true, k.root.Chown(".", owner.User, owner.Group)
}

// isEmpty looks past what a file system and this package put at the top.
func (k *keeper) isEmpty() (bool, error) {
	folder, err := k.root.Open(".")
	if err != nil {
		return false, err
	}
	defer folder.Close()
	for {
		names, err := folder.Readdirnames(namesAtOnce)
		for _, name := range names {
			if name != "lost+found" && !Path(name).private() {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// remove removes a file or a link, or a folder with all that is in it.
func (k *keeper) remove(path Path) error {
	if path == "" {
		return refuse(Invalid, "", "The volume's root cannot be removed.", "Delete the volume itself.")
	}
	if _, err := k.root.Lstat(path.local()); err != nil {
		return explain(path, err)
	}
	return explain(path, k.root.RemoveAll(path.local()))
}

// explain turns what the kernel says about the path into a Refusal where a
// person can do something about it.
func explain(path Path, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(Missing, path, "There is nothing at this path.", "It may have been removed since; look at the folder again.")
	}
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		if leavesRoot(err) {
			return refuse(Invalid, path, "A symbolic link on this path leads out of the volume.", "Remove the link.")
		}
		return err
	}
	switch number {
	case syscall.ENOSPC, syscall.EDQUOT:
		return refuse(Full, path, "The disk is full.", "Delete what is not needed any more.")
	case syscall.ENOTDIR:
		return refuse(Conflict, path, "Something on this path is not a folder.", "Choose another path.")
	case syscall.EISDIR, syscall.EEXIST, syscall.ENOTEMPTY:
		return refuse(Conflict, path, "Something else is at this path.", "Choose another path, or remove what is there.")
	case syscall.ELOOP:
		return refuse(Invalid, path, "Symbolic links on this path lead to one another.", "Remove the links.")
	case syscall.ENAMETOOLONG:
		return refuse(Invalid, path, "The name is too long for the disk.", "Choose a shorter name.")
	default:
		return err
	}
}

// leavesRoot recognises os.Root's own error: the one about a path that is not
// the kernel's.
func leavesRoot(err error) bool {
	_, onPath := errors.AsType[*fs.PathError](err)
	_, onLink := errors.AsType[*os.LinkError](err)
	return onPath || onLink
}
