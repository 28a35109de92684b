package archive

import "io/fs"

// Kind is the kind of an entry. There are no other kinds: devices, pipes, sockets and
// hard links are refused.
type Kind uint8

// The kinds of entries.
const (
	File Kind = iota
	Directory
	Symlink
)

// Permissions are the ones that git keeps. So a build does not depend on the archive's
// maker, and the app's unprivileged user can read its files.
const (
	modePlain      fs.FileMode = 0o644
	modeExecutable fs.FileMode = 0o755
	modeLink       fs.FileMode = 0o777
)

// Entry is one file, directory or symbolic link of a Tree.
type Entry struct {
	Path string // slash-separated, relative, clean; never empty
	Kind Kind
	Mode fs.FileMode // only permission bits: 0644, 0755, or 0777 for a link
	Size int64       // of a file, in bytes; reading fails if the file holds more or less
	Link string      // target of a symlink, relative to its directory; it stays inside the tree
}

// fileMode keeps the one permission bit of a file that apps need.
func fileMode(permissions fs.FileMode) fs.FileMode {
	if permissions&0o111 != 0 {
		return modeExecutable
	}
	return modePlain
}
