package compose

import "berth/controller/problem"

// Refusal says why a compose file cannot be deployed. It names no file: the caller knows
// which one it gave.
type Refusal = problem.Refusal

func refuse(line int, reason, hint string) *Refusal {
	return &Refusal{Line: line, Reason: reason, Hint: hint}
}
