package docker

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/containerd/errdefs"

	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/printable"
)

// What the engine says when it cannot run an image.
var (
	noCommand     = regexp.MustCompile(`(?i)no command specified`)
	unknownUser   = regexp.MustCompile(`unable to find user ([^:\s]+)`)
	unknownGroup  = regexp.MustCompile(`unable to find group ([^:\s]+)`)
	commandAbsent = regexp.MustCompile(`exec: \\?"([^"\\]+)\\?":.*(?:no such file or directory|not found)`)
	commandLocked = regexp.MustCompile(`exec: \\?"([^"\\]+)\\?":.*permission denied`)
	noInterpreter = regexp.MustCompile(`exec format error`)
)

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

// startFailure names the action that failed. What the image is to blame for
// becomes a *StartError.
func startFailure(ctx context.Context, action string, err error) error {
	wrapped := link.Failure(ctx, action, err)
	if err == nil || errors.Is(wrapped, link.ErrUnavailable) || errors.Is(err, ctx.Err()) {
		return wrapped
	}
	if message := blame(err.Error()); message != "" {
		return &StartError{Message: message, Err: err}
	}
	if errdefs.IsInvalidArgument(err) {
		return &StartError{Message: "The engine cannot run the image: " + images.Sentence(printable.Plain(err.Error())), Err: err}
	}
	return wrapped
}

// blame says in words what is wrong with the image, or "" where that is not known.
func blame(text string) string {
	for _, known := range []struct {
		pattern *regexp.Regexp
		message string
	}{
		{noCommand, "The image has no command to run: it needs CMD or ENTRYPOINT."},
		{unknownUser, "The image wants to run as the user %q, which is not in its /etc/passwd."},
		{unknownGroup, "The image wants to run with the group %q, which is not in its /etc/group."},
		{commandAbsent, "The image's command %q is not in the image."},
		{commandLocked, "The image's command %q is not executable."},
		{noInterpreter, "The image's command is not made for this machine's processor."},
	} {
		match := known.pattern.FindStringSubmatch(text)
		switch {
		case match == nil:
		case len(match) > 1:
			return fmt.Sprintf(known.message, printable.Plain(match[1]))
		default:
			return known.message
		}
	}
	return ""
}
