package app

import "slices"

// severity orders the states, the worst last.
var severity = []State{Running, Unhealthy, Crashing, Down, Stopped}

// WorseThan reports whether the state is a worse one than the other's.
func (o Observed) WorseThan(other Observed) bool {
	return slices.Index(severity, o.State) > slices.Index(severity, other.State)
}

// Detail adds the name of the service if there are several.
func (r Release) Detail(run ServiceRun, text string) string {
	if len(r.Services) < 2 || text == "" {
		return text
	}
	return run.Spec.Name + ": " + text
}
