package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

const segmentSuffix = ".frames"

// segment is one file of frames. Whole segments are removed.
type segment struct {
	path   string
	size   int64
	frames []frame
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// readSegments reads the index of every segment of the folder, the oldest first, and the
// marks of the newest frame. What a crash left unfinished at the end is cut off.
func readSegments(root *os.Root, folder string) (segments []segment, marks map[string]string, err error) {
	entries, err := fs.ReadDir(root.FS(), folder)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, entry := range entries {
		number, ours := strings.CutSuffix(entry.Name(), segmentSuffix)
		if _, err := strconv.ParseUint(number, 10, 64); ours && err == nil && entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	slices.SortFunc(names, cmp.Compare[string])
	for at, name := range names {
		found, last, err := readSegment(root, path.Join(folder, name), at == len(names)-1)
		if err != nil {
			return nil, nil, err
		}
		if len(found.frames) > 0 {
			segments, marks = append(segments, found), last
		}
	}
	return segments, marks, nil
}

func readSegment(root *os.Root, name string, newest bool) (found segment, marks map[string]string, err error) {
	file, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return segment{}, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	found.path = name
	for {
		known, err := readMeta(file, found.size)
		if err == nil && newest {
			err = known.whole(file)
		}
		if errors.Is(err, io.EOF) {
			return found, marks, nil
		}
		if err != nil {
			if newest {
				return found, marks, file.Truncate(found.size)
			}
			return found, marks, nil // the rest cannot be read
		}
		found.frames, found.size, marks = append(found.frames, known.frame), known.end(), known.Marks
	}
}

// whole says whether the frame was written to its end. Only the last one of a file can be torn.
func (f frame) whole(file *os.File) error {
	info, err := file.Stat()
	if err != nil || f.end() < info.Size() {
		return err
	}
	_, err = f.unpack(file)
	return err
}

// add writes a frame behind the last one.
func (s *segment) add(root *os.Root, known meta, records []byte) (err error) {
	made, err := packFrame(known, records)
	if err != nil {
		return err
	}
	file, err := root.OpenFile(s.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(made, s.size); err != nil {
		return errors.Join(err, file.Truncate(s.size))
	}
	added := known.frame
	packed := int64(len(made))
	added.offset = s.size + packed - packedBytes(made)
	added.packed = packedBytes(made)
	s.frames, s.size = append(s.frames, added), s.size+packed
	return nil
}

// load reads the records of a frame; nothing where the segment was removed meanwhile.
func (s segment) load(root *os.Root, of frame) (string, error) {
	file, err := root.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	records, err := of.unpack(file)
	return string(records), err
}
