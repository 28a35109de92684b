package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// What a caller can act on.
var (
	// ErrNotFound says that the engine has no such thing, or that it is not of this stack.
	ErrNotFound = errors.New("not found in the engine")
	// ErrUnavailable says that the engine did not answer.
	ErrUnavailable = errors.New("engine does not answer")
	// ErrVolumeExists says that the stack has a volume of that name already.
	ErrVolumeExists = errors.New("the volume exists")
	// ErrVolumeInUse says that a container has the volume, also one that is stopped.
	ErrVolumeInUse = errors.New("the volume is in use")
	// ErrForeignVolume says that the volume's name in the engine belongs to
	// something that this stack did not make, or not so: it is left alone.
	ErrForeignVolume = errors.New("the volume's name in the engine belongs to something else")
)

// BuildError says that a build ended without an image. Message and Hint are
// whole sentences that are safe to show; Lines are the last ones of the log.
type BuildError struct {
	Lines   []string
	Message string
	Hint    string // empty where there is no better advice than the log
}

// Error gives the message alone; the log has been written line by line.
func (e *BuildError) Error() string { return "build image: " + e.Message }

// ForgedLabelError says that an image carries a label that only Berth sets.
// The image has been removed.
type ForgedLabelError struct {
	Label string
}

// Error names the label.
func (e *ForgedLabelError) Error() string {
	return fmt.Sprintf("the image carries the label %q, which is reserved", e.Label)
}

// StartError says that the engine could not run the image's command. Message is
// a whole sentence that is safe to show.
type StartError struct {
	Message string
	Err     error
}

// Error gives the message and the engine's own words.
func (e *StartError) Error() string { return "start container: " + e.Message + ": " + e.Err.Error() }

// Unwrap returns the engine's own words.
func (e *StartError) Unwrap() error { return e.Err }

// failure names the action that failed, and marks what a caller can act on.
// ctx is the one of the call, from within.
func failure(ctx context.Context, action string, err error) error {
	switch {
	case err == nil:
		return nil
	case errdefs.IsNotFound(err):
		return fmt.Errorf("%s: %w: %w", action, ErrNotFound, err)
	case unanswered(ctx, err):
		return fmt.Errorf("%s: %w: %w", action, ErrUnavailable, err)
	case says(err, "no space left on device"), says(err, "disk quota exceeded"):
		return fmt.Errorf("%s: %w: %w", action, syscall.ENOSPC, err)
	default:
		return fmt.Errorf("%s: %w", action, err)
	}
}

func unanswered(ctx context.Context, err error) bool {
	if errors.Is(context.Cause(ctx), ErrUnavailable) {
		return true
	}
	// An engine that ends in the middle of an answer cuts it off.
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return true
	}
	// A socket proxy answers in the engine's place when the engine is gone.
	return client.IsErrConnectionFailed(err) || errdefs.IsUnavailable(err)
}

// says reports whether the engine's message holds the words. The API gives some
// conditions a text and a status they share with others; this is for those.
func says(err error, words string) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), words)
}
