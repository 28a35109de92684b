package volume

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

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
