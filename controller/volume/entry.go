// Package volume reads and changes the files of one volume, and nothing outside it.
//
// A volume's files belong to apps, so all that they hold is untrusted: a name, a
// symbolic link, a device node. The work is done by Serve, in a process that has
// the volume and nothing else (package docker starts it in a container of its
// own), and told by a Session over a stream in both directions, so that no file
// is ever held in memory or put down on the way. Every path is opened below an
// os.Root: a symbolic link that leads out is an error, whoever changes it when.
package volume

import (
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Kind is what an entry of a volume is.
type Kind string

// The kinds of entries. What is none of the first three is shown and can be
// removed, and is never opened.
const (
	File    Kind = "file"
	Folder  Kind = "folder"
	Symlink Kind = "symlink"
	Device  Kind = "device"
	Pipe    Kind = "pipe"
	Socket  Kind = "socket"
)

// Owner is a user and a group as the kernel knows them.
type Owner struct {
	User  int `json:"user"`
	Group int `json:"group"`
}

// ParseOwner reads USER:GROUP, both as numbers. It reports whether text is that.
func ParseOwner(text string) (Owner, bool) {
	user, group, _ := strings.Cut(text, ":")
	userID, userErr := strconv.ParseUint(user, 10, 31)
	groupID, groupErr := strconv.ParseUint(group, 10, 31)
	return Owner{User: int(userID), Group: int(groupID)}, userErr == nil && groupErr == nil
}

// Entry is one file, folder or other thing in a volume.
type Entry struct {
	Name     string
	Kind     Kind
	Mode     fs.FileMode // permission bits alone
	Size     int64       // of a file, in bytes
	Modified time.Time
	Owner    Owner
	Link     string // where a symlink leads, as it is written; it may lead out and is never followed there
}

// Listing is what is in one folder.
type Listing struct {
	Entries []Entry // folders first, then by name
	More    bool    // there are others, which are not listed
}

// Usage is what a volume holds. Of a volume that is too large to be counted in
// time it is what was counted until then.
type Usage struct {
	Bytes     int64 // of its files
	Files     int64 // everything but folders
	Folders   int64
	Partial   bool  // there is more than this
	Stored    int64 // bytes that all of it takes on the disk; an entry counts as 4 kB at least
	FreeBytes int64 // that the disk beneath can still take
	Leftovers bool  // an upload that was cut off has left something, which is not counted; said of a whole volume
}

// kindOf returns what a mode says of the kind.
func kindOf(mode fs.FileMode) Kind {
	switch mode.Type() {
	case 0:
		return File
	case fs.ModeDir:
		return Folder
	case fs.ModeSymlink:
		return Symlink
	case fs.ModeNamedPipe:
		return Pipe
	case fs.ModeSocket:
		return Socket
	default:
		return Device
	}
}
