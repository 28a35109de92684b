package execfailure

import (
	"path"
	"regexp"
	"strings"

	"berth/controller/plan"
)

var (
	readOnlyLine = regexp.MustCompile(`(?i)read-only file ?system|\berofs\b|errno 30\b`)
	absolutePath = regexp.MustCompile(`(?:^|[\s'"(=\x60‘])(/[^\s'"():,;\x60’]+)`)
	makesFolder  = regexp.MustCompile(`(?i)\bmkdir\b|create director|makedirs`)
)

// codeFolders hold what images run: an empty volume there would hide it.
var codeFolders = []string{"/app", "/code", "/src", "/srv", "/home", "/var", "/usr/src/app", "/usr/share/nginx", "/var/www", "/var/www/html", "/workspace"}

// FindWritten returns the path that the app could not write to, as its output names it,
// and the folder where a volume would mend it; either may be empty.
func FindWritten(lines []string) (written string, folder plan.MountTarget) {
	for _, line := range lines {
		if !readOnlyLine.MatchString(line) {
			continue
		}
		found := absolutePath.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		written = path.Clean(strings.TrimRight(found[1], "."))
		place := path.Dir(written)
		if makesFolder.MatchString(line) {
			place = written
		}
		for _, code := range codeFolders {
			if place == code {
				return written, ""
			}
		}
		folder, err := plan.ParseMountTarget(place)
		if err != nil {
			folder = ""
		}
		return written, folder
	}
	return "", ""
}
