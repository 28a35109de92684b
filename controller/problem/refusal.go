package problem

import (
	"errors"
	"fmt"
)

// Refusal says why a tool does not take what it was given. File is printable; Reason and
// Hint are whole sentences. All three are safe to show.
type Refusal struct {
	File   string // path in the archive; empty where no one file is at fault
	Line   int    // in File or the text, from 1; 0 where no one line is at fault
	Reason string
	Hint   string // the next step
}

// Error gives the place and the reason on one line.
func (r *Refusal) Error() string {
	switch {
	case r.File == "" && r.Line == 0:
		return r.Reason
	case r.File == "":
		return fmt.Sprintf("Line %d: %s", r.Line, r.Reason)
	case r.Line == 0:
		return r.File + ": " + r.Reason
	default:
		return fmt.Sprintf("%s, line %d: %s", r.File, r.Line, r.Reason)
	}
}

// Refused returns the Refusal in err as a Problem of KindInvalid at the field of the
// form. Any other error stays as it is.
func Refused(field string, err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return Invalid(refusal.Error(), refusal.Hint).At(field).Because(err)
	}
	return err
}
