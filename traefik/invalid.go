package traefik

import "fmt"

// InvalidError says why a host, path or route was refused. Reason and Hint are whole
// sentences, safe to show to the person who typed Value.
type InvalidError struct {
	Value  string // as typed, which may be anything
	Reason string
	Hint   string // the next step
}

// Error returns the value, shortened and quoted, with the reason.
func (e *InvalidError) Error() string { return fmt.Sprintf("%.80q: %s", e.Value, e.Reason) }
