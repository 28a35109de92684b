package room

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// ReserveName is the file's name in the data folder.
const ReserveName = "reserve"

const (
	// The ledger's -wal file grows to 4 MB before SQLite folds it into the ledger, so the
	// reserve is larger than that wherever the disk is not tiny.
	reserveBytes = 32 << 20
	reservePart  = 10      // of the disk, at most
	reserveStep  = 1 << 20 // that is given up at once: far more than one transaction takes
)

// Reserve is a file that only takes room. When a write of the ledger finds the disk full,
// a part of the file is given up, and the write is tried again. It is safe for concurrent
// use, also by several processes.
type Reserve struct {
	mu   sync.Mutex
	path string
}

// ReserveIn returns the reserve of a data folder. It makes no file: Keep does.
func ReserveIn(folder string) *Reserve { return &Reserve{path: filepath.Join(folder, ReserveName)} }

// Give gives a part up. It reports whether there was one.
func (r *Reserve) Give() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := os.OpenFile(r.path, os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	return file.Truncate(max(0, info.Size()-reserveStep)) == nil
}

// Bytes is how much there is; zero where there is no file.
func (r *Reserve) Bytes() int64 {
	info, err := os.Lstat(r.path)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// Keep makes the reserve whole again, unless the disk is below its second floor: room that
// is short is for those who write.
func (r *Reserve) Keep(disk Disk) error {
	state, err := disk.Look()
	if err != nil {
		return err
	}
	want := min(int64(state.Size/reservePart), reserveBytes)
	if state.Level == Full || r.Bytes() >= want {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, fs.FileMode(0o600))
	if err != nil {
		return fmt.Errorf("make reserve: %w", err)
	}
	if err := errors.Join(allocate(file, want), file.Close()); err != nil {
		return fmt.Errorf("make reserve: %w", err)
	}
	return nil
}

// allocate gives the file blocks of its own: a file with holes would take no room.
func allocate(file *os.File, bytes int64) error {
	err := syscall.Fallocate(int(file.Fd()), 0, 0, bytes)
	if !errors.Is(err, syscall.EOPNOTSUPP) && !errors.Is(err, syscall.ENOSYS) {
		return err
	}
	page := make([]byte, reserveStep)
	for at := int64(0); at < bytes; at += reserveStep {
		if _, err := file.WriteAt(page[:min(reserveStep, bytes-at)], at); err != nil {
			return err
		}
	}
	return nil
}
