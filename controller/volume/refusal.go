package volume

// Code says what a caller can do about a Refusal.
type Code string

// The codes of refusals.
const (
	Invalid  Code = "invalid"   // the name, path or request is none that can be
	Missing  Code = "missing"   // there is nothing at the path
	Conflict Code = "conflict"  // something else is at the path
	TooLarge Code = "too large" // more than the caller's limit
	Full     Code = "full"      // the disk has no room for it
)

// Refusal says why something in a volume is not done. Path is printable; Reason
// and Hint are whole sentences, safe to show.
type Refusal struct {
	Code   Code   `json:"code"`
	Path   string `json:"path,omitempty"` // in the volume; empty where the whole volume is meant
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"` // the next step
}

// Error gives the path and the reason on one line.
func (r *Refusal) Error() string {
	if r.Path == "" {
		return r.Reason
	}
	return r.Path + ": " + r.Reason
}

func refuse(code Code, path Path, reason, hint string) *Refusal {
	return &Refusal{Code: code, Path: path.String(), Reason: reason, Hint: hint}
}
