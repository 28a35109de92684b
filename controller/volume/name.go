package volume

import (
	"fmt"
	"regexp"
	"strings"
)

// Name is the name of a volume as ParseName accepted it: 1 to 40 lower-case
// letters, digits and inner hyphens, as for an app. A volume of a compose file has
// the name of its app before its own, with an underscore between them.
type Name string

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?(_[A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$`)

// OfApp is the name of the volume that a compose file calls own. Both must be
// checked: own as a compose file's volumes are.
func OfApp(app, own string) Name { return Name(app + "_" + own) }

// Composed reports whether the volume is one that a compose file names.
func (n Name) Composed() bool { return strings.Contains(string(n), "_") }

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
