// Package readiness says when a new release counts as ready: what it is asked, which
// answer is right, and how long it may take.
package readiness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"berth/controller/app"
)

// ErrNotReady is the error of a release that did not answer as it should.
var ErrNotReady = errors.New("no right answer in time")

// usualPaths are asked in turn where the app names none; the first right answer counts.
var usualPaths = []string{"/health", "/status", "/api/health", "/api/status", "/"}

// Probe asks the release for a path through the proxy, and returns the status of the answer.
type Probe func(ctx context.Context, path string) (status int, err error)

// Ask asks the release at address once whether it is ready. The error says what is amiss.
// ReadyHealth asks nothing: the engine knows.
func Ask(ctx context.Context, wanted app.Readiness, address string, probe Probe) (ready bool, err error) {
	for _, path := range paths(wanted) {
		status, probeErr := probe(ctx, path)
		switch {
		case probeErr != nil:
			return false, fmt.Errorf("%w: %w", ErrNotReady, probeErr)
		case isSilence(status): // while nothing listens, the first answer says so for all
			return false, fmt.Errorf("%w: nothing answers on %s", ErrNotReady, address)
		case isRight(wanted, status):
			return true, nil
		}
		err = fmt.Errorf("%w: %s answered %d", ErrNotReady, path, status)
	}
	return false, err
}

// Expects says which answer is right, as a sentence.
func Expects(wanted app.Readiness) string {
	switch {
	case wanted.By == app.ReadyTCP:
		return "It must accept connections there."
	case wanted.Path != "" && wanted.Status != 0:
		return fmt.Sprintf("Its page %s must answer with the status %d.", wanted.Path, wanted.Status)
	case wanted.Status != 0:
		return fmt.Sprintf("One of its pages %s must answer with the status %d.", shortList(), wanted.Status)
	case wanted.Path != "":
		return fmt.Sprintf("Its page %s must answer with a status below 500.", wanted.Path)
	}
	return fmt.Sprintf("One of its pages %s must answer with a status below 500.", shortList())
}

func shortList() string { return strings.Join(usualPaths[:2], ", ") + " or /" }

func paths(wanted app.Readiness) []string {
	switch {
	case wanted.By == app.ReadyHealth:
		return nil
	case wanted.By == app.ReadyTCP:
		return []string{"/"}
	case wanted.Path != "":
		return []string{wanted.Path}
	}
	return usualPaths
}

// isSilence reports whether the proxy answers because the app does not.
func isSilence(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// isRight accepts any answer of a TCP check: who answers has accepted the connection.
func isRight(wanted app.Readiness, status int) bool {
	switch {
	case wanted.By == app.ReadyTCP:
		return true
	case wanted.Status != 0:
		return status == wanted.Status
	}
	return status < http.StatusInternalServerError
}
