// Package hostpath judges the paths that a compose file mounts, by their names alone.
package hostpath

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"berth/controller/plan"
)

// Kind is the kind of a path of the host, for a bind of a compose file.
type Kind uint8

// The kinds of paths.
const (
	System Kind = iota // the host's own, or unknown
	Socket             // an engine's socket
	Clock              // the host's time zone
	Random             // a source of random numbers, which each container has
	Data               // plainly data
)

var (
	windowsDrive = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	socketName   = regexp.MustCompile(`(^|/)(docker|podman|containerd|crio|buildkitd|dockerd)[^/]*\.sock(/|$)|\.sock$`)
)

// systemRoots are the top folders of a host that hold more than data of people. Any other
// was made by a person.
var systemRoots = []string{
	"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "nix", "private", "proc", "run", "sbin", "snap",
	"sys", "system", "tmp", "usr", "var", "windows", "applications", "library", "volumes",
}

// Is reports whether a source is a path of the host, not of the archive.
func Is(source string) bool {
	return strings.HasPrefix(source, "/") || strings.HasPrefix(source, "~") || strings.Contains(source, `\`) || windowsDrive.MatchString(source)
}

// KindOf judges a path of the host by its name alone.
func KindOf(source string) Kind {
	clean := path.Clean(source)
	switch {
	case socketName.MatchString(clean):
		return Socket
	case clean == "/etc/localtime" || clean == "/etc/timezone" || plan.IsBelow(clean, "/usr/share/zoneinfo"):
		return Clock
	case clean == "/dev/urandom" || clean == "/dev/random":
		return Random
	case clean == "~" || strings.HasPrefix(clean, "~/"):
		return Data
	case !strings.HasPrefix(clean, "/") || clean == "/" || clean == "/root":
		return System
	case slices.Contains(systemRoots, strings.ToLower(strings.Split(clean, "/")[1])):
		return System
	default:
		return Data
	}
}

// fileLike matches the name of a file, such as app.conf.
var fileLike = regexp.MustCompile(`\.[A-Za-z][A-Za-z0-9]{0,9}$`)

// IsFile reports whether a bind that nothing is known of is about a file: both ends
// have the name of one.
func IsFile(source, target string) bool {
	isFile := func(name string) bool {
		base := path.Base(name)
		return fileLike.MatchString(base) && !strings.HasPrefix(base, ".") && !strings.HasSuffix(base, ".d")
	}
	return isFile(source) && isFile(target)
}

// dataFolders are names of folders that services write their data into.
var dataFolders = regexp.MustCompile(`^(data|database|db|uploads?|media|storage|backups?|library|libraries|logs?|cache|caches|files|downloads?|photos|images|music|videos|movies|attachments|repositories|repos|state|spool|mail|dumps?|exports?|imports?|pgdata|pg_data|db_data|mysql|postgres)$`)

// IsData reports whether a service writes data to a folder, by the folder's name.
func IsData(target string) bool {
	if plan.IsBelow(target, "/var/lib") || plan.IsBelow(target, "/data") {
		return true
	}
	return dataFolders.MatchString(strings.ToLower(path.Base(target)))
}

var notInVolumeName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// VolumeName makes the name of a volume from a path, of at most 50 letters.
func VolumeName(source string) string {
	clean := strings.Trim(path.Clean("/"+strings.TrimPrefix(strings.TrimPrefix(source, "~"), "/")), "/")
	name := notInVolumeName.ReplaceAllString(strings.ReplaceAll(clean, "/", "-"), "-")
	const longest = 50
	name = strings.Trim(name[max(0, len(name)-longest):], "-_.")
	if name == "" {
		return "files"
	}
	return name
}
