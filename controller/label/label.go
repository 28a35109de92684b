// Package label says how people file an app: in at most one project, and under some tags.
package label

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"berth/controller/problem"
)

// The fields that a fault is said at.
const (
	FieldProject = "project"
	FieldTags    = "tags"
)

const (
	longestProject = 40 // characters
	longestTag     = 30 // characters
	mostTags       = 10
)

// Labels are the project and the tags of an app. The zero Labels are none.
type Labels struct {
	Project string   // empty: none
	Tags    []string // in order, each once
}

// Parse reads labels as a person types them: tags stand between spaces or commas. All
// faults are Problems.
func Parse(project, tags string) (Labels, error) {
	return New(project, strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }))
}

// New returns labels with each tag in small letters, once. All faults are Problems.
func New(project string, tags []string) (Labels, error) {
	var faults problem.Problems
	made := Labels{Project: strings.Join(strings.Fields(project), " ")}
	if made.Project != "" && !isProject(made.Project) {
		faults = append(faults, problem.Invalid(
			fmt.Sprintf("%.80q cannot be the name of a project.", made.Project),
			fmt.Sprintf("Use at most %d letters, digits, spaces, and . - _, and begin with a letter or a digit.", longestProject),
		).At(FieldProject))
	}
	for _, tag := range tags {
		made.Tags = append(made.Tags, strings.ToLower(tag))
	}
	slices.Sort(made.Tags)
	made.Tags = slices.Compact(made.Tags)
	if fault := checkTags(made.Tags); fault != nil {
		faults = append(faults, fault)
	}
	if len(faults) > 0 {
		return Labels{}, faults
	}
	return made, nil
}

func checkTags(tags []string) *problem.Problem {
	if len(tags) > mostTags {
		return problem.Invalid(fmt.Sprintf("These are %d tags.", len(tags)), fmt.Sprintf("An app has at most %d.", mostTags)).At(FieldTags)
	}
	var bad []string
	for _, tag := range tags {
		if !isTag(tag) {
			bad = append(bad, fmt.Sprintf("%.40q", tag))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return problem.Invalid(
		fmt.Sprintf("No tag can be %s.", strings.Join(bad, ", ")),
		fmt.Sprintf("Use at most %d letters, digits and . - _ for each, begin with a letter or a digit, and put a space between two.", longestTag),
	).At(FieldTags)
}

func isProject(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= longestProject && isMadeOf(s, " .-_")
}

func isTag(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= longestTag && isMadeOf(s, ".-_")
}

// isMadeOf reports whether s begins with a letter or a digit, and holds nothing but those
// and some more characters.
func isMadeOf(s, more string) bool {
	if s == "" {
		return false
	}
	for at, r := range s {
		inside := at > 0 && (unicode.IsMark(r) || strings.ContainsRune(more, r))
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !inside {
			return false
		}
	}
	return true
}
