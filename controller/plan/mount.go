package plan

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"berth/controller/printable"
)

// targetBytes bounds a mount target.
const targetBytes = 255

// MountTarget is the place of a volume in a service, as ParseMountTarget accepts it: an
// absolute clean path that hides nothing of the image's own system.
type MountTarget string

// reservedFolders are the folders that no volume may hide, with the reason. A name with a
// final slash includes everything below it.
var reservedFolders = []struct{ folder, reason string }{
	{"/", "is the whole of the image."},
	{"/proc/", "belongs to the kernel."},
	{"/sys/", "belongs to the kernel."},
	{"/dev/", "holds the devices."},
	{"/run/", "holds what lives as long as the app runs, its secrets among it."},
	{"/var/run/", "is another name of /run."},
	{"/tmp", "is emptied at every start."},
	{"/etc", "holds the image's users and settings."},
	{"/bin/", "holds the image's programs."},
	{"/sbin/", "holds the image's programs."},
	{"/lib/", "holds the image's libraries."},
	{"/lib32/", "holds the image's libraries."},
	{"/lib64/", "holds the image's libraries."},
	{"/libx32/", "holds the image's libraries."},
	{"/boot/", "belongs to a machine, not to an app."},
	{"/usr", "holds the image's programs and libraries."},
	{"/usr/bin/", "holds the image's programs."},
	{"/usr/sbin/", "holds the image's programs."},
	{"/usr/lib", "holds the image's libraries."},
	{"/usr/lib64", "holds the image's libraries."},
	{"/usr/local", "holds the image's programs."},
	{"/usr/local/bin/", "holds the image's programs."},
	{"/var", "holds more of the image than data."},
	// The engine writes the first files itself; the others decide who is root inside.
	{"/etc/hosts", "is written by the engine."},
	{"/etc/hostname", "is written by the engine."},
	{"/etc/resolv.conf", "is written by the engine."},
	{"/etc/mtab", "belongs to the kernel."},
	{"/etc/passwd", "says who the users are."},
	{"/etc/group", "says who the users are."},
	{"/etc/shadow", "says who the users are."},
	{"/etc/gshadow", "says who the users are."},
	{"/etc/sudoers", "says who may become root."},
	{"/etc/sudoers.d/", "says who may become root."},
	{"/etc/ld.so.preload", "is loaded into every program."},
}

// ParseMountTarget returns s as a MountTarget, or a *Refusal.
func ParseMountTarget(s string) (MountTarget, error) {
	if reason := faultInTarget(s); reason != "" {
		return "", refuseTarget(s, reason)
	}
	for _, known := range reservedFolders {
		folder, below := strings.CutSuffix(known.folder, "/")
		if s == known.folder || s == folder || below && folder != "" && strings.HasPrefix(s, known.folder) {
			return "", refuseTarget(s, known.reason)
		}
	}
	return MountTarget(s), nil
}

// faultInTarget returns the fault in the form of a target, as the end of a sentence;
// empty if there is none.
func faultInTarget(s string) string {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "does not begin with a slash."
	case len(s) > targetBytes:
		return fmt.Sprintf("is longer than %d bytes.", targetBytes)
	case !utf8.ValidString(s) || !printable.Is(s):
		return "holds a character that cannot be shown."
	case strings.ContainsAny(s, `\:`):
		return "holds a backslash or a colon."
	case path.Clean(s) != s:
		return "is not written in the shortest way."
	default:
		return ""
	}
}

func refuseTarget(s, reason string) *Refusal {
	return &Refusal{
		Reason: fmt.Sprintf("No volume can be mounted at %.80q: it %s", s, reason),
		Hint:   "Use a folder of the app's own, such as /data.",
	}
}

// IsBelow reports whether path is the folder or is below it.
func IsBelow(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// Unmounted are those of the volumes that an image declares where the service mounts
// nothing, clean and in order. Places that the system owns are none.
func (s Service) Unmounted(declared []string) []string {
	var paths []string
	for _, text := range declared {
		target, err := ParseMountTarget(path.Clean(text))
		if err != nil || s.mountsAt(string(target)) {
			continue
		}
		paths = append(paths, string(target))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (s Service) mountsAt(target string) bool {
	return slices.ContainsFunc(s.Mounts, func(m Mount) bool { return m.Target == target }) ||
		slices.ContainsFunc(s.Tmpfs, func(t Tmpfs) bool { return t.Target == target })
}

// UnmountedNote says what becomes of the declared volumes of a service.
func UnmountedNote(service string, paths []string) string {
	return fmt.Sprintf("The image of %s declares a volume at %s, where nothing is mounted: what is written there is gone with the next release. A volume of the app keeps it.", service, strings.Join(paths, ", "))
}

// Clean returns the shortest forms of paths.
func Clean(paths []string) []string {
	clean := make([]string, 0, len(paths))
	for _, one := range paths {
		clean = append(clean, path.Clean(one))
	}
	return clean
}

// Declare mounts a volume of the app wherever the image declares one and nothing is
// mounted, if keep says so; the other places are Scratch. Volumes whose names are taken
// get a number.
func (s Service) Declare(declared []string, keep bool, taken []string) Service {
	unmounted := s.Unmounted(declared)
	if !keep {
		s.Scratch = unmounted
		return s
	}
	s.Mounts, s.Scratch = slices.Clone(s.Mounts), nil
	for _, target := range unmounted {
		base := strings.ToLower(strings.Trim(noName.ReplaceAllString(target, "-"), "-."))
		if s.Name != MainService {
			base = s.Name + "-" + base
		}
		name := base[:min(len(base), mostVolumeName)]
		for i := 2; slices.Contains(taken, name); i++ {
			name = fmt.Sprintf("%s-%d", base[:min(len(base), mostVolumeName)], i)
		}
		taken = append(taken, name)
		s.Mounts = append(s.Mounts, Mount{Volume: name, Target: target})
	}
	return s
}

// mostVolumeName leaves room for a number.
const mostVolumeName = 50

var noName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
