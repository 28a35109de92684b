package problem

import "strings"

// Remedy is the change that would fix a release. All fields but Missing are for a failed
// release, and its next try can apply them at once. The zero value means no remedy.
type Remedy struct {
	Port         uint16 `json:"port,omitempty"`   // the port that the app listens on
	Folder       string `json:"folder,omitempty"` // the folder that the app wants to write to: it needs a volume
	WritableRoot bool   `json:"writable_root,omitempty"`
	RootStart    string `json:"root_start,omitempty"` // the service that starts as root and drops root later
	Memory       bool   `json:"memory,omitempty"`     // a higher limit

	// Missing is how many files of the first page no visitor gets, because the page asks
	// for them outside of the app's path. MissingFile is the address of the first. A
	// route that is a host alone fixes it.
	Missing     int    `json:"missing,omitempty"`
	MissingFile string `json:"missing_file,omitempty"`

	// Faults are all faults of an archive that could not be planned, a line each; empty
	// where the reason says all. They are for people to read.
	Faults string `json:"faults,omitempty"`
}

// With returns the remedy with the faults, where there are several. mask takes what is
// secret out of a text.
func (r Remedy) With(faults Refusals, mask func(string) string) Remedy {
	if len(faults) > 1 {
		lines := make([]string, 0, len(faults))
		for _, fault := range faults {
			lines = append(lines, oneLine.Replace(mask(fault.Error()+" "+fault.Hint)))
		}
		r.Faults = strings.Join(lines, "\n")
	}
	return r
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")
