package app

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
)

// The bounds on choices about mounted files and folders.
const (
	mostBoundChoices   = 100
	longestBoundTarget = 255 // bytes
	hintBoundChoice    = "Write the service, the place in it and image or volume, such as web:/etc/app.conf=volume, with commas between, or leave the field empty."
)

var boundServicePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// BoundChoices say what files and folders of the archive become that services mount, as
// ParseBoundChoices returns them: service:/place=image or =volume, sorted, separated by
// commas.
type BoundChoices string

// ParseBoundChoices reads choices separated by commas or lines, or returns a Problem. Of
// several about one place the last one counts.
func ParseBoundChoices(s string) (BoundChoices, error) {
	chosen := map[string]plan.BoundAs{}
	for text := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\r' || r == '\n' }) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		key, as, ok := parseBoundChoice(text)
		if !ok {
			return "", problem.Invalid(fmt.Sprintf("%.120q is no choice between image and volume.", text), hintBoundChoice).At(FieldBound)
		}
		chosen[key] = as
	}
	if len(chosen) > mostBoundChoices {
		return "", problem.Invalid(fmt.Sprintf("There are more than %d choices between image and volume.", mostBoundChoices), "Take away those that are not needed any more.").At(FieldBound)
	}
	list := make([]string, 0, len(chosen))
	for _, key := range slices.Sorted(maps.Keys(chosen)) {
		list = append(list, key+"="+string(chosen[key]))
	}
	return BoundChoices(strings.Join(list, ",")), nil
}

func parseBoundChoice(text string) (key string, as plan.BoundAs, ok bool) {
	at := strings.LastIndexByte(text, '=')
	service, target, found := strings.Cut(text[:max(at, 0)], ":")
	as = plan.BoundAs(text[at+1:])
	ok = found && boundServicePattern.MatchString(service) &&
		strings.HasPrefix(target, "/") && len(target) <= longestBoundTarget && printable.Is(target) && !strings.ContainsAny(target, `\:`) &&
		(as == plan.BoundImage || as == plan.BoundVolume)
	return plan.BoundKey(service, path.Clean(target)), as, ok
}

// List returns the choices one by one.
func (b BoundChoices) List() []string {
	if b == "" {
		return nil
	}
	return strings.Split(string(b), ",")
}

// Map returns the choices for the planner.
func (b BoundChoices) Map() map[string]plan.BoundAs {
	chosen := map[string]plan.BoundAs{}
	for _, text := range b.List() {
		if key, as, ok := parseBoundChoice(text); ok {
			chosen[key] = as
		}
	}
	return chosen
}
