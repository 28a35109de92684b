package compose

import "fmt"

// Refusal says why a compose file cannot be deployed. Reason and Hint are whole
// sentences, safe to show.
type Refusal struct {
	Line   int // from 1; 0 if no single line is at fault
	Reason string
	Hint   string // the next step
}

// Error gives the line and the reason.
func (r *Refusal) Error() string {
	if r.Line == 0 {
		return r.Reason
	}
	return fmt.Sprintf("line %d: %s", r.Line, r.Reason)
}

func refuse(line int, reason, hint string) *Refusal {
	return &Refusal{Line: line, Reason: reason, Hint: hint}
}
