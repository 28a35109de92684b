package app

import (
	"cmp"
	"slices"
	"time"
)

// Graces is the time that the instances of the release have to end, one after the other.
func (r Release) Graces() (sum time.Duration) {
	for _, name := range r.Instances {
		sum += r.GraceOf(name)
	}
	return sum
}

// GraceOf is the time that an instance of the release has to end.
func (r Release) GraceOf(instance string) time.Duration {
	for _, run := range r.Runs() {
		if slices.Contains(run.Instances, instance) {
			return cmp.Or(run.Spec.Stop.Grace, StopGrace)
		}
	}
	return StopGrace
}
