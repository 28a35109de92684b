package traefik

import (
	"io/fs"
	"syscall"
)

// ownerOf is who owns a file, where that is known.
func ownerOf(information fs.FileInfo) (user, group int, known bool) {
	owner, known := information.Sys().(*syscall.Stat_t)
	if !known {
		return 0, 0, false
	}
	return int(owner.Uid), int(owner.Gid), true
}
