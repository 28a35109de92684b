package recipe

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// constraintBytes is longer than any real version.
const constraintBytes = 200

// language is a language with its base images.
type language struct {
	name      string
	lines     []string // the versions that have base images, oldest first: "22" or "3.13"
	preferred string   // of lines, if the project leaves the choice
	// translate turns a range of the language's own packaging into an npm range.
	translate func(string) string
}

var (
	golang = language{name: "Go", lines: []string{"1.25", "1.26"}, preferred: "1.26"}
	nodeJS = language{name: "Node.js", lines: []string{"20", "22", "24", "26"}, preferred: "24"}
	python = language{name: "Python", lines: []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"}, preferred: "3.13", translate: fromPEP440}
	php    = language{name: "PHP", lines: []string{"8.2", "8.3", "8.4", "8.5"}, preferred: "8.4", translate: fromComposer}
)

// plainVersion is a single version, not a range: the first two numbers decide.
var plainVersion = regexp.MustCompile(`^\s*(?:go|python-|v|=|==|===)?\s*([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:\.(?:[0-9]{1,6}|[xX*]))?(?:[-+a-z][0-9A-Za-z.+-]*)?\s*$`)

// firstVersion finds the number at the start of a range.
var firstVersion = regexp.MustCompile(`([0-9]{1,4})(?:\.([0-9]{1,4}))?`)

// choose returns the version to build with, one of lines, and the reason as a sentence.
// The text is the request in file: a version, a range, or nothing.
func (l language) choose(file, text string) (line, reason string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return l.preferred, fmt.Sprintf("No version of %s is asked for, so %s is used.", l.name, l.preferred)
	}
	asked := fmt.Sprintf("%s asks for %s %.40q", file, l.name, text)
	if found := plainVersion.FindStringSubmatch(text); found != nil {
		return l.near(asked, found[1], found[2])
	}
	if len(text) > constraintBytes {
		return l.preferred, fmt.Sprintf("%s, which is too long to be read, so %s is used.", asked, l.preferred)
	}
	if l.translate != nil {
		text = l.translate(text)
	}
	constraint, err := semver.NewConstraint(text)
	if err != nil {
		return l.preferred, fmt.Sprintf("%s, which is no version or range, so %s is used.", asked, l.preferred)
	}
	if l.meets(l.preferred, constraint) {
		return l.preferred, fmt.Sprintf("%s, so %s is used.", asked, l.preferred)
	}
	for _, line := range slices.Backward(l.lines) {
		if l.meets(line, constraint) {
			return line, fmt.Sprintf("%s, so %s is used.", asked, line)
		}
	}
	found := firstVersion.FindStringSubmatch(text)
	if found == nil {
		return l.preferred, fmt.Sprintf("%s, which no base image meets, so %s is used.", asked, l.preferred)
	}
	return l.near(asked, found[1], found[2])
}

// meets reports whether the newest release of a line is in the range.
func (l language) meets(line string, constraint *semver.Constraints) bool {
	const newest = ".999"
	full := line + newest
	if !strings.Contains(line, ".") {
		full += newest
	}
	version, err := semver.NewVersion(full)
	return err == nil && constraint.Check(version)
}

// near returns the line of a version, or the nearest line. A version without a second
// number means the newest line of its first number.
func (l language) near(asked, major, minor string) (line, reason string) {
	if minor == "" && strings.Contains(l.preferred, ".") {
		return l.newestOf(asked, major)
	}
	wanted := rank(major, minor)
	if !strings.Contains(l.preferred, ".") {
		wanted = rank(major, "")
	}
	line = slices.MinFunc(l.lines, func(a, b string) int {
		return cmp.Compare(distance(rankOf(a), wanted), distance(rankOf(b), wanted))
	})
	if rankOf(line) == wanted {
		return line, fmt.Sprintf("%s, so %s is used.", asked, line)
	}
	return line, fmt.Sprintf("%s, of which there is no maintained base image, so the nearest, %s, is used.", asked, line)
}

func (l language) newestOf(asked, major string) (line, reason string) {
	if strings.HasPrefix(l.preferred, major+".") {
		return l.preferred, fmt.Sprintf("%s, so %s is used.", asked, l.preferred)
	}
	return l.near(asked, major, "0")
}

func rankOf(line string) int {
	major, minor, _ := strings.Cut(line, ".")
	return rank(major, minor)
}

// rank orders versions; the patterns above bound the numbers.
func rank(major, minor string) int {
	first, _ := strconv.Atoi(major)
	second, _ := strconv.Atoi(minor)
	return first*10_000 + second
}

func distance(a, b int) int { return max(a-b, b-a) }

// fromPEP440 turns a range of Python's packaging into an npm range.
func fromPEP440(text string) string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		switch {
		case strings.HasPrefix(part, "~="):
			parts = append(parts, compatible(strings.TrimSpace(part[2:])))
		case strings.HasPrefix(part, "==="):
			parts = append(parts, strings.TrimSpace(part[3:]))
		case strings.HasPrefix(part, "=="):
			parts = append(parts, strings.TrimSpace(part[2:]))
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// compatible expands ~=: 3.11 means up to the next 4; 3.11.2 means up to the next 3.12.
func compatible(version string) string {
	if strings.Count(version, ".") == 1 {
		return "^" + version
	}
	return "~" + version
}

// fromComposer turns a Composer range into an npm range: one bar also means "or".
func fromComposer(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "||", "|"), "|", "||")
}
