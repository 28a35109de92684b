// Package problem says what a person can mend, with the next step.
package problem

import (
	"errors"
	"strings"
)

// Kind says what sort of problem a person has; the router maps it to a status
// and the command line to an exit code, each in one switch.
type Kind uint8

// The kinds of problems.
const (
	KindInternal     Kind = iota // ours: "Something went wrong" and the request id
	KindInvalid                  // the input cannot be accepted as it is
	KindUnauthorized             // nobody is signed in, or the token does not hold
	KindForbidden                // signed in, and not allowed
	KindNotFound
	KindConflict    // the input is fine, the state of things is not: a taken name, a release under way
	KindTooLarge    // more bytes than the limit
	KindLimited     // too many requests
	KindUnavailable // the engine or the proxy does not answer
	KindFull        // the disk has no room
	KindMalformed   // an address or an id that cannot be one: no person typed it into a form
)

// Problem is the only error that a person sees. Message and Hint are safe to
// show and whole sentences; Err is for the log alone.
type Problem struct {
	Kind    Kind
	Field   string // the form field it belongs to, empty for the whole form
	Message string // what was wrong, and where
	Hint    string // what to do
	Remedy  Remedy // of a release that failed
	Err     error
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

// Problems are those of a whole form, at most one for each field.
type Problems []*Problem

// Error gives them all.
func (p Problems) Error() string {
	texts := make([]string, 0, len(p))
	for _, problem := range p {
		texts = append(texts, problem.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns each, so that who can show only one finds the first.
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

// KindOf returns the kind of the Problem in err, KindInternal where there is none.
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
