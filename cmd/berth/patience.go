package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"berth/controller/pause"
)

// mostPatience bounds what Retry-After may say.
const mostPatience = 24 * time.Hour

// limitedError is a request beyond a rate limit of the server.
type limitedError struct{ wait time.Duration }

func (e *limitedError) Error() string { return "limited for " + e.wait.String() }

// limitedBy reads when the server wants to be asked again; nil where it says nothing of it.
func limitedBy(response *http.Response) error {
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // zero where it is a date, which Berth never sends
	if response.StatusCode != http.StatusTooManyRequests || seconds <= 0 {
		return nil
	}
	return &limitedError{wait: time.Duration(min(seconds, int(mostPatience.Seconds()))) * time.Second}
}

// patiently asks until the answer is no longer that a rate limit is exceeded. It
// says that it waits, and does not begin to where the deadline of ctx comes first.
func (c *client) patiently(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		limited, ok := errors.AsType[*limitedError](err)
		if !ok {
			return err
		}
		if deadline, set := ctx.Deadline(); set && time.Until(deadline) < limited.wait {
			return err
		}
		_, _ = fmt.Fprintf(c.notes, "The server limits how often it is asked. Going on in %s.\n", limited.wait)
		if err := pause.For(ctx, limited.wait); err != nil {
			return err
		}
	}
}
