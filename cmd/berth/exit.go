package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/app"
	"berth/controller/problem"
)

// usageError is a command line or a configuration that cannot be used.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// releaseError is a release that did not become live.
type releaseError struct {
	id     app.ReleaseID
	state  app.ReleaseState
	reason string
	hint   string
}

func (e *releaseError) Error() string {
	return fmt.Sprintf("release %s %s: %s", e.id, e.state, e.reason)
}

// Exit codes, for scripts.
const (
	exitOK = iota
	exitInternal
	exitUsage
	exitRefused      // the server does not take this input, or not now
	exitUnauthorized // the token is missing, unknown or too narrow
	exitNotFound
	exitUnavailable // the server, the engine or the proxy does not answer, or not yet
	exitRelease     // the release failed or was cancelled
	exitInterrupted = 130
)

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	usage, _ := errors.AsType[*usageError](err)
	release, _ := errors.AsType[*releaseError](err)
	command, _ := errors.AsType[*commandError](err)
	switch {
	case err == nil:
		return exitOK
	case command != nil:
		return command.code
	case usage != nil:
		return exitUsage
	case release != nil:
		return exitRelease
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	switch problem.KindOf(worded(err)) {
	case problem.KindInvalid, problem.KindMalformed, problem.KindConflict, problem.KindStale, problem.KindTooLarge:
		return exitRefused
	case problem.KindUnauthorized, problem.KindForbidden:
		return exitUnauthorized
	case problem.KindNotFound:
		return exitNotFound
	case problem.KindLimited, problem.KindUnavailable, problem.KindFull:
		return exitUnavailable
	default:
		return exitInternal
	}
}

// worded is err, or the Problem of a disk without room where that is what it comes to.
func worded(err error) error {
	if problem.KindOf(err) == problem.KindInternal && problem.IsDiskFull(err) {
		return problem.DiskFull("", err)
	}
	return err
}

// report writes the error for the person at the terminal: what was wrong, the
// cause, and the next step where one is known.
func report(stderr io.Writer, err error) {
	err = worded(err)
	problem, _ := errors.AsType[*problem.Problem](err)
	release, _ := errors.AsType[*releaseError](err)
	cause, hint := error(nil), ""
	switch {
	case err == nil:
		return
	case problem != nil:
		err, cause, hint = errors.New(problem.Message), problem.Err, problem.Hint
	case release != nil:
		hint = release.hint
	}
	_, _ = fmt.Fprintf(stderr, "berth: %v\n", err)
	if problem != nil && len(problem.Faults) > 1 {
		for _, fault := range problem.Faults {
			_, _ = fmt.Fprintf(stderr, "  %v\n    next: %s\n", fault, fault.Hint)
		}
		return
	}
	if cause != nil {
		_, _ = fmt.Fprintf(stderr, "  cause: %v\n", cause)
	}
	if hint != "" {
		_, _ = fmt.Fprintf(stderr, "  next:  %s\n", hint)
	}
}
