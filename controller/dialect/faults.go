package dialect

import (
	"errors"
	"fmt"

	"berth/controller/problem"
)

// maxFaults bounds how many faults of one template are told.
const maxFaults = 50

// faults collects what is wrong with a template.
type faults struct {
	found []error
}

func (f *faults) refuse(file string, line int, reason, hint string) {
	f.add(&problem.Refusal{File: file, Line: line, Reason: reason, Hint: hint})
}

// add adds an error, and of joined ones each.
func (f *faults) add(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			f.add(one)
		}
		return
	}
	if err != nil && len(f.found) < maxFaults {
		f.found = append(f.found, err)
	}
}

func (f *faults) bound(file string, size, most int) {
	if size > most {
		f.refuse(file, 0, fmt.Sprintf("The file is larger than %d KB.", most>>10), "Make it smaller, or put what it holds into files of the archive.")
	}
}

func (f *faults) any() bool { return len(f.found) > 0 }

func (f *faults) err() error { return errors.Join(f.found...) }
