package link

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
)

// Failure names the action that failed, and marks what a caller can act on.
// ctx is the one of the call, from within.
func Failure(ctx context.Context, action string, err error) error {
	switch {
	case err == nil:
		return nil
	case errdefs.IsNotFound(err):
		return fmt.Errorf("%s: %w: %w", action, ErrNotFound, err)
	case Unanswered(ctx, err):
		return fmt.Errorf("%s: %w: %w", action, ErrUnavailable, err)
	case Says(err, "no space left on device"), Says(err, "disk quota exceeded"):
		return fmt.Errorf("%s: %w: %w", action, syscall.ENOSPC, err)
	default:
		return fmt.Errorf("%s: %w", action, err)
	}
}

// Unanswered reports whether the engine gave no answer, or none to its end.
func Unanswered(ctx context.Context, err error) bool {
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

// Says reports whether the engine's message holds the words. The API gives some
// conditions a text and a status they share with others; this is for those.
func Says(err error, words string) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), words)
}
