//go:build !linux

package volume

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Nothing but Linux works in volumes. Elsewhere there is the client alone, which needs the
// names of this package.

const openFolder = syscall.O_RDONLY

func blocksOf(fs.FileInfo) (blocks int64, known bool) { return 0, false }

func ownerOf(fs.FileInfo) Owner { return Owner{} }

func freeOn(*os.File) int64 { return 0 }

func tryLock(*os.File) error { return errors.ErrUnsupported }
