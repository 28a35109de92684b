package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	apiEvents     = "/api/v1/events"
	eventsTimeout = time.Minute
)

// eventsAnswer is what the API says of events, as far as it is needed here.
type eventsAnswer struct {
	Events []struct {
		ID      int64     `json:"id"`
		At      time.Time `json:"at"`
		Kind    string    `json:"kind"`
		App     string    `json:"app"`
		Release int64     `json:"release"`
		Account string    `json:"account"`
		Detail  string    `json:"detail"`
	} `json:"events"`
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
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	if *count < 1 || *count > 500 || *before < 0 {
		return &usageError{errors.New("berth events takes --count from 1 to 500, and a number after --before")}
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
	ctx, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	var answer eventsAnswer
	if err := api.find(ctx, apiEvents+"?"+query.Encode(), &answer); err != nil {
		return err
	}
	return p.printEvents(answer)
}

func (p *program) printEvents(answer eventsAnswer) error {
	if len(answer.Events) == 0 {
		_, err := fmt.Fprintln(p.stderr, "There are no such events.")
		return err
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NUMBER\tWHEN\tEVENT\tAPP\tWHO\tDETAIL")
	for at := len(answer.Events) - 1; at >= 0; at-- {
		e := answer.Events[at]
		app := e.App
		if e.Release != 0 {
			app = fmt.Sprintf("%s r%d", e.App, e.Release)
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.At.UTC().Format(time.DateTime), e.Kind, dash(app), dash(e.Account), dash(strings.TrimSpace(e.Detail)))
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
