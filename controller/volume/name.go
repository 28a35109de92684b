package volume

import (
	"fmt"
	"regexp"
)

// Name is the name of a volume as ParseName accepted it: 1 to 40 lower-case
// letters, digits and inner hyphens, as for an app.
type Name string

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ParseName returns s as a Name, or a *Refusal.
func ParseName(s string) (Name, error) {
	if namePattern.MatchString(s) {
		return Name(s), nil
	}
	return "", &Refusal{
		Code:   Invalid,
		Reason: fmt.Sprintf("%.60q is not a name for a volume.", s),
		Hint:   "Use 1 to 40 lower-case letters, digits and hyphens, with a letter or digit at both ends, such as my-data.",
	}
}
