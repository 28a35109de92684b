package volume

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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

// count walks the volume, or a folder of it, for at most limit nanoseconds.
func (k *keeper) count(folder Path, limit int64) (Usage, error) {
	usage := Usage{FreeBytes: k.freeBytes()}
	deadline := time.Now().Add(time.Duration(limit))
	root, above := k.root, ""
	if folder == "" {
		left, err := hasLeftovers(root)
		if err != nil {
			return Usage{}, explain("", err)
		}
		usage.Leftovers = left
	} else {
		opened, err := k.openFolder(folder)
		if err != nil {
			return Usage{}, explain(folder, err)
		}
		defer opened.Close()
		root, above = opened, string(folder)+"/"
	}
	err := walk(root, above, 0, func(at spot) error {
		if at.info.IsDir() {
			usage.Folders++
		} else {
			usage.Files++
		}
		if at.info.Mode().IsRegular() {
			usage.Bytes += at.info.Size()
		}
		usage.Stored += storedBytes(at.info)
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
	return usage, explain(folder, err) // the folder may have gone meanwhile
}

// storedBytes is what an entry takes on the disk, whatever size a sparse file says it
// has. An empty one takes at least its place in the tables of the file system.
func storedBytes(info fs.FileInfo) int64 {
	const least, block = 4096, 512
	if blocks, known := blocksOf(info); known {
		return max(blocks*block, least)
	}
	return max(info.Size(), least)
}

// freeBytes is what the disk beneath can still take; 0 where it does not say.
func (k *keeper) freeBytes() int64 {
	folder, err := k.root.Open(".")
	if err != nil {
		return 0
	}
	defer folder.Close()
	return freeOn(folder)
}
