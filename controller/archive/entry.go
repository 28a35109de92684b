package archive

import "io/fs"

// Kind is what an entry is. There are no others: devices, pipes, sockets and
// hard links are refused.
type Kind uint8

// The kinds of entries.
const (
	File Kind = iota
	Directory
	Symlink
)

// Permissions are reduced to what git keeps, so that a build is the same whoever
// made the archive, and so that the app's unprivileged user can read its files.
const (
	modePlain      fs.FileMode = 0o644
	modeExecutable fs.FileMode = 0o755
	modeLink       fs.FileMode = 0o777
)

// Entry is one file, directory or symbolic link of a Tree.
type Entry struct {
	Path string // slash-separated, relative, clean; never empty
	Kind Kind
	Mode fs.FileMode // permission bits alone: 0644, 0755, or 0777 for a link
	Size int64       // of a file, in bytes; it holds exactly as many or reading it fails
	Link string      // target of a symlink, relative to its directory; it stays inside the tree
}

// fileMode keeps the one bit of a file's permissions that an app depends on.
func fileMode(permissions fs.FileMode) fs.FileMode {
	if permissions&0o111 != 0 {
		return modeExecutable
	}
	return modePlain
}
