package broker

import (
	"fmt"
	"net/http"

	"berth/controller/printable"
)

// Refusal says which part of a request is not allowed. It never holds a value of the
// request: the value may be a secret, or may be made to look like a line of a log.
type Refusal struct {
	Field  string // such as "HostConfig.Privileged"
	Reason string
	Status int // of HTTP
}

// Error gives the field and the reason.
func (r *Refusal) Error() string { return fmt.Sprintf("berth broker: %s: %s", r.Field, r.Reason) }

// mostField bounds the name of a field: a query's name is the caller's own text.
const mostField = 80

func refuse(field, reason string) *Refusal {
	field = printable.Plain(field[:min(len(field), mostField)])
	return &Refusal{Field: field, Reason: reason, Status: http.StatusForbidden}
}

func tooLarge(field string) *Refusal {
	return &Refusal{Field: field, Reason: "it is larger than the controller's ever are", Status: http.StatusRequestEntityTooLarge}
}

func tooSlow(field string) *Refusal {
	return &Refusal{Field: field, Reason: "it did not come in time", Status: http.StatusRequestTimeout}
}

func malformed(field, reason string) *Refusal {
	return &Refusal{Field: field, Reason: reason, Status: http.StatusBadRequest}
}
