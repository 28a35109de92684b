package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"berth/controller/pause"
)

const (
	apiEvents     = "/api/v1/events"
	eventsTimeout = time.Minute
)

// eventsAnswer is what the API says of events, as far as it is needed here.
type eventsAnswer struct {
	Events []eventAnswer `json:"events"`
}

type eventAnswer struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	App     string    `json:"app"`
	Release int64     `json:"release"`
	Account string    `json:"account"`
	Detail  string    `json:"detail"`
}

// line is an event with tabs between its parts.
func (e eventAnswer) line() string {
	app := e.App
	if e.Release != 0 {
		app = fmt.Sprintf("%s r%d", e.App, e.Release)
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", e.ID, e.At.UTC().Format(time.DateTime), e.Kind, dash(app), dash(e.Account), dash(strings.TrimSpace(e.Detail)))
}

// runEvents prints what happened, the newest event last, as a log is read.
func runEvents(ctx context.Context, p *program, args []string) error {
	flags := newFlags("events")
	line := p.addLineFlags(flags)
	name := flags.String("app", "", "only events of this app")
	kind := flags.String("kind", "", "only events of this kind, such as release.failed")
	from := flags.String("from", "", "only events of this day (UTC) and later, such as 2026-03-31")
	to := flags.String("to", "", "only events up to this day (UTC)")
	before := flags.Int64("before", 0, "only events older than the one with this number")
	count := flags.Int("count", 50, "how many events, 500 at most")
	follow := flags.Bool("f", false, "go on with the events that come from now on")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	if *count < 1 || *count > 500 || *before < 0 {
		return &usageError{errors.New("berth events takes --count from 1 to 500, and a number after --before")}
	}
	if *follow && (*from != "" || *to != "" || *before > 0) {
		return &usageError{errors.New("berth events -f goes on from now: leave out --from, --to and --before")}
	}
	query := url.Values{"limit": {strconv.Itoa(*count)}}
	for field, text := range map[string]string{"app": *name, "kind": *kind, "from": *from, "to": *to} {
		if text != "" {
			query.Set(field, text)
		}
	}
	if *before > 0 {
		query.Set("before", strconv.FormatInt(*before, 10))
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	var answer eventsAnswer
	if err := api.find(asking, apiEvents+"?"+query.Encode(), &answer); err != nil {
		return err
	}
	if err := p.printEvents(answer); err != nil || !*follow {
		return err
	}
	query.Del("limit")
	return p.followEvents(ctx, api, query, answer)
}

// eventsAgain is the pause before a lost connection is opened again.
const eventsAgain = 2 * time.Second

// followEvents prints each event that comes after those of the answer, until ctx ends. A
// connection that was lost goes on where it was.
func (p *program) followEvents(ctx context.Context, api *client, query url.Values, seen eventsAnswer) error {
	if len(seen.Events) > 0 {
		query.Set("after", strconv.FormatInt(seen.Events[0].ID, 10))
	}
	for {
		socket, err := api.openEvents(ctx, query)
		if err == nil {
			err = p.printLive(ctx, socket, query)
		}
		if ctx.Err() != nil || !errors.Is(err, errLost) {
			return unlessEnded(ctx, err)
		}
		_, _ = fmt.Fprintln(p.stderr, "The connection was lost. It is opened again.")
		_ = pause.For(ctx, eventsAgain)
	}
}

// unlessEnded is the error of what a person has not ended with Ctrl-C.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // to end it is no failure
	}
	return err
}

// errLost says that a connection ended without a reason of the server's.
var errLost = errors.New("the connection was lost")

// openEvents opens a connection for events as they happen.
func (c *client) openEvents(ctx context.Context, query url.Values) (*websocket.Conn, error) {
	header := http.Header{"Authorization": {"Bearer " + c.token.Reveal()}}
	socket, response, err := websocket.Dial(ctx, c.base.JoinPath(apiEvents).String()+"?"+query.Encode(), &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header}) //nolint:bodyclose // the caller need not, says its documentation
	if err == nil {
		return socket, nil
	}
	if response != nil && response.StatusCode >= http.StatusBadRequest && response.StatusCode < http.StatusInternalServerError {
		return nil, fmt.Errorf("the server does not send events as they happen: %s", response.Status)
	}
	return nil, fmt.Errorf("%w: %w", errLost, err)
}

// printLive prints what comes over a connection, and moves the cursor of the query.
func (p *program) printLive(ctx context.Context, socket *websocket.Conn, query url.Values) error {
	defer func() { _ = socket.CloseNow() }()
	for {
		_, text, err := socket.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusPolicyViolation {
			return fmt.Errorf("the server ended the connection: %w", err)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		var e eventAnswer
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if _, err := io.WriteString(plainLines{p.stdout}, strings.ReplaceAll(e.line(), "\t", "  ")+"\n"); err != nil {
			return err
		}
		query.Set("after", strconv.FormatInt(e.ID, 10))
	}
}

func (p *program) printEvents(answer eventsAnswer) error {
	if len(answer.Events) == 0 {
		_, err := fmt.Fprintln(p.stderr, "There are no such events.")
		return err
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "NUMBER\tWHEN\tEVENT\tAPP\tWHO\tDETAIL")
	for at := len(answer.Events) - 1; at >= 0; at-- {
		_, _ = fmt.Fprintln(table, answer.Events[at].line())
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
