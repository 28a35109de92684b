package problem

import (
	"errors"
	"syscall"
)

// IsDiskFull reports whether a disk, or a quota of it, has no room for what was to be
// written. Whoever writes says so by the kernel's own word: the ledger and the engine too.
func IsDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// DiskFull is the Problem of a disk without room, for the field of a form or for none.
func DiskFull(field string, cause error) *Problem {
	return Full(
		"The server's disk is full.",
		"Free space on the server: delete files or whole volumes on the page Volumes, or remove images and logs that are not needed. Then try again.",
	).At(field).Because(cause)
}
