package diagnosis

import (
	"errors"
	"strings"

	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
)

// Engine explains what the engine or the hardening policy refused; nil where neither is
// the cause.
func Engine(cause error) *problem.Problem {
	if refused, ok := errors.AsType[*docker.PullError](cause); ok {
		return problem.Invalid("The image could not be had: "+refused.Message, refused.Hint).Because(cause)
	}
	if refusal, ok := errors.AsType[*plan.Refusal](cause); ok {
		return problem.Invalid(refusal.Error(), refusal.Hint).Because(cause)
	}
	if failed, ok := errors.AsType[*docker.BuildError](cause); ok {
		hint := failed.Hint
		if hint == "" {
			hint = "The log shows the step that failed and what it printed."
		}
		return problem.Invalid("The build failed: "+sentence(failed.Message), hint).Because(cause)
	}
	if failed, ok := errors.AsType[*docker.StartError](cause); ok {
		return problem.Invalid(
			"The app could not be started: "+sentence(failed.Message),
			"See that the image's CMD or ENTRYPOINT names a program that is in the image and may be run by its user.",
		).Because(cause)
	}
	if forged, ok := errors.AsType[*docker.ForgedLabelError](cause); ok {
		return problem.Invalid(
			"The image was refused: "+sentence(forged.Error()),
			"Labels that start with traefik. or berth. belong to Berth: take them out of the Dockerfile, or choose another image.",
		).Because(cause)
	}
	return nil
}

// LastCause is the end of a chain of wrapped errors, the part that says most.
func LastCause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// sentence ends text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
