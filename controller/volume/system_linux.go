package volume

import (
	"io/fs"
	"os"
	"syscall"
)

// openFolder opens nothing but a folder, and never waits.
const openFolder = syscall.O_DIRECTORY | syscall.O_NONBLOCK

// blocksOf is how many blocks of 512 bytes an entry takes, where that is known.
func blocksOf(info fs.FileInfo) (blocks int64, known bool) {
	status, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return status.Blocks, true
}

// ownerOf is the zero Owner where it is not known.
func ownerOf(info fs.FileInfo) Owner {
	status, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return Owner{}
	}
	return Owner{User: int(status.Uid), Group: int(status.Gid)}
}

// freeOn is what the disk of a folder can still take, in bytes; 0 where it does not say.
func freeOn(folder *os.File) int64 {
	var disk syscall.Statfs_t
	if err := syscall.Fstatfs(int(folder.Fd()), &disk); err != nil {
		return 0
	}
	return int64(disk.Bavail) * disk.Bsize
}

// tryLock locks the folder for as long as the file is open, or fails at once.
func tryLock(folder *os.File) error {
	return syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
