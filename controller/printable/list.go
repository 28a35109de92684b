package printable

import (
	"fmt"
	"strings"
)

// mostListed is the most names in a list, so that it stays one sentence.
const mostListed = 5

// List joins names for a sentence, the first few and the number of the others. The names
// are printable already.
func List(names []string) string {
	if len(names) > mostListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), len(names)-mostListed)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
