// Package problem says what a person can fix, with the next step.
package problem

import (
	"errors"
	"strings"
)

// Kind is the sort of a problem. The router maps it to a status and the command line to
// an exit code, each in one switch.
type Kind uint8

// The kinds of problems.
const (
	KindInternal     Kind = iota // Berth's fault: "Something went wrong" and the request id
	KindInvalid                  // the input cannot be accepted as it is
	KindUnauthorized             // nobody is signed in, or the token is not valid
	KindForbidden                // signed in, but not allowed
	KindNotFound
	KindConflict    // the input is fine, but the present state forbids it: a taken name, a release under way
	KindTooLarge    // more bytes than the limit
	KindLimited     // too many requests
	KindUnavailable // the engine or the proxy does not answer
	KindFull        // the disk has no room
	KindStale       // what the caller saw was changed since
	KindMalformed   // an impossible address or id: no person typed it into a form
)

// Problem is the only error that a person sees. Message and Hint are whole sentences and
// safe to show. Err is for the log only.
type Problem struct {
	Kind    Kind
	Field   string // the form field of the problem; empty for the whole form
	Message string // what is wrong, and where
	Hint    string // the next step
	Remedy  Remedy // of a release that failed
	// Faults are all faults of an input that a tool refused, by file and line. Message and
	// Hint are of the first.
	Faults Refusals
	Err    error
}

// Error gives the message, and the cause for the log.
func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Message
	}
	return p.Message + ": " + p.Err.Error()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are the problems of a whole form, at most one for each field.
type Problems []*Problem

// Error joins all messages.
func (p Problems) Error() string {
	texts := make([]string, 0, len(p))
	for _, problem := range p {
		texts = append(texts, problem.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find the first problem.
func (p Problems) Unwrap() []error {
	errs := make([]error, 0, len(p))
	for _, problem := range p {
		errs = append(errs, problem)
	}
	return errs
}

// With adds the Problem in err, if there is one.
func (p Problems) With(err error) Problems {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return append(p, problem)
	}
	return p
}

// KindOf returns the kind of the Problem in err; KindInternal if there is none.
func KindOf(err error) Kind {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem.Kind
	}
	return KindInternal
}

// AtField moves the Problem in err to another field of the form. It returns err where
// there is none.
func AtField(field string, err error) error {
	found, ok := errors.AsType[*Problem](err)
	if !ok {
		return err
	}
	moved := *found
	moved.Field = field
	return &moved
}

// Said is what a page shows of an error that is kept: nothing of one that is Berth's own.
func Said(err error) string {
	fault, ok := errors.AsType[*Problem](err)
	switch {
	case !ok || fault.Kind == KindInternal:
		return "Something went wrong. Berth's log says what."
	case fault.Hint == "":
		return fault.Message
	}
	return fault.Message + " " + fault.Hint
}
