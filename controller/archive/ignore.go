package archive

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"berth/controller/printable"
)

// The limits of a .dockerignore. The cost of matching is its size times the size of the
// tree, and grows with every wildcard of a pattern.
const (
	ignoreFile      = ".dockerignore"
	ignoreBytes     = 64 << 10
	ignorePatterns  = 1000
	patternBytes    = 1024 // as a path
	patternWildcard = 16
)

// Ignore is a .dockerignore. It decides like BuildKit: the last pattern that matches an
// entry, or a directory above it, wins. An exception also counts inside an excluded
// directory. A nil Ignore keeps everything. It is safe for concurrent use.
type Ignore struct {
	guard   sync.Mutex // the matcher compiles during use
	matcher *patternmatcher.PatternMatcher
	above   map[string]patternmatcher.MatchInfo // directory -> its match
}

// ParseIgnore reads a .dockerignore. The error for an unreadable pattern is a *Refusal.
func ParseIgnore(text []byte) (*Ignore, error) {
	if len(text) > ignoreBytes {
		return nil, refuse(ignoreFile, fmt.Sprintf("The file is larger than %s.", printable.Size(ignoreBytes)), "Use fewer patterns.")
	}
	// The matcher's scanner would print both errors to the process's standard error.
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, refuse(ignoreFile, "The file is not text in UTF-8.", "Save the file as UTF-8 text.")
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		return nil, refuse(ignoreFile, "The file cannot be read as lines of text.", "Write one pattern on each line.")
	}
	if len(patterns) > ignorePatterns {
		return nil, refuse(ignoreFile, fmt.Sprintf("The file has more than %d patterns.", ignorePatterns), "Use fewer patterns.")
	}
	for i, pattern := range patterns {
		if refusal := checkPattern(pattern); refusal != nil {
			refusal.Line = lineOf(text, i)
			return nil, refusal
		}
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, refuse(ignoreFile, "The patterns cannot be read.", "Correct the patterns.")
	}
	return &Ignore{matcher: matcher, above: map[string]patternmatcher.MatchInfo{}}, nil
}

// checkPattern refuses a pattern that is unreadable or costly to match.
func checkPattern(pattern string) *Refusal {
	switch {
	case len(pattern) > patternBytes:
		return refuse(ignoreFile, fmt.Sprintf("The pattern %s is longer than %d bytes.", printable.Name(pattern, nameBytes), patternBytes),
			"Shorten the pattern; no path is longer.")
	case strings.Count(pattern, "*")+strings.Count(pattern, "?")+strings.Count(pattern, "[") > patternWildcard:
		return refuse(ignoreFile, fmt.Sprintf("The pattern %s has more than %d wildcards.", printable.Name(pattern, nameBytes), patternWildcard),
			"Write the pattern with fewer of *, ? and [; ** counts as two.")
	case !validPattern(pattern):
		return refuse(ignoreFile, "The pattern "+printable.Name(pattern, nameBytes)+" cannot be read.",
			"Correct the pattern; brackets must be closed and an exception needs a path after \"!\".")
	default:
		return nil
	}
}

// lineOf returns the line of a pattern, by its index. Comments and empty lines have no
// index.
func lineOf(text []byte, before int) int {
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		if bytes.HasPrefix(line, []byte("#")) || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if before == 0 {
			return number
		}
		before--
	}
	return 0
}

// validPattern compiles the pattern by itself. The matcher compiles it only at the first
// match, too late to tell the person.
func validPattern(pattern string) bool {
	single, err := patternmatcher.New([]string{strings.TrimPrefix(pattern, "!")})
	if err != nil || pattern == "!" {
		return false
	}
	_, _, err = single.MatchesUsingParentResults("a/b", patternmatcher.MatchInfo{})
	return err == nil
}

// Keep reports whether the entry belongs to the build context. The Dockerfile and the
// .dockerignore at the top always do, because the builder reads them.
func (i *Ignore) Keep(e Entry) bool {
	if i == nil || e.Path == ignoreFile || e.Path == "Dockerfile" {
		return true
	}
	i.guard.Lock()
	defer i.guard.Unlock()
	matched, _ := i.match(e.Path, e.Kind == Directory)
	return !matched
}

// match also returns the match of each pattern, which decides about the entries below.
func (i *Ignore) match(path string, directory bool) (bool, patternmatcher.MatchInfo) {
	var above patternmatcher.MatchInfo
	if folder := parent(path); folder != "" {
		var known bool
		if above, known = i.above[folder]; !known {
			_, above = i.match(folder, true)
		}
	}
	// ParseIgnore has compiled every pattern, so no error is possible.
	matched, info, _ := i.matcher.MatchesUsingParentResults(path, above)
	if directory {
		i.above[path] = info
	}
	return matched, info
}

// prunes reports whether nothing below an excluded directory can be kept, so that the
// walk can skip it.
func (i *Ignore) prunes(directory string) bool {
	for _, pattern := range i.matcher.Patterns() {
		if !pattern.Exclusion() {
			continue
		}
		fixed, _, wild := strings.Cut(pattern.String(), "*")
		fixed, _, more := cutAny(fixed, `?[\`)
		if strings.HasPrefix(fixed, directory+"/") || (wild || more) && strings.HasPrefix(directory+"/", fixed) {
			return false
		}
	}
	return true
}

// cutAny is strings.Cut around the first of several characters.
func cutAny(s, characters string) (before, after string, found bool) {
	at := strings.IndexAny(s, characters)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}
