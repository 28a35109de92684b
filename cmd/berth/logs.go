package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
)

// logsAnswer is what the API says of a log.
type logsAnswer struct {
	Lines []struct {
		At      time.Time   `json:"at"`
		Service logs.Stream `json:"service"`
		Text    string      `json:"text"`
	} `json:"lines"`
	Before string `json:"before"`
	After  string `json:"after"`
	More   bool   `json:"more"`
}

const (
	logsAtOnce  = 1000            // lines of one answer
	logsWait    = 20              // seconds that the server waits for new lines
	logsTimeout = 2 * time.Minute // of one answer
)

// logsWish is what a person wants of a log.
type logsWish struct {
	name   app.Name
	query  url.Values
	lines  int
	follow bool
	since  bool
}

// runLogs prints what an app printed, the oldest first, and with -f what it prints from now on.
func runLogs(ctx context.Context, p *program, args []string) error {
	flags := newFlags("logs")
	line := p.addLineFlags(flags)
	wish := logsWish{query: url.Values{}}
	flags.BoolVar(&wish.follow, "f", false, "go on with what is printed from now on")
	flags.IntVar(&wish.lines, "lines", 100, "how many of the newest lines, without --since")
	requests, pattern := flags.Bool("requests", false, "the requests to the app in place of its output"), flags.Bool("regex", false, "--grep is a regular expression (RE2)")
	texts := map[string]*string{
		"since": flags.String("since", "", "from when on: a time, or how long ago, such as 1h or 2d"), "until": flags.String("until", "", "until when"),
		"q": flags.String("grep", "", "only lines that hold this text"), "service": flags.String("service", "", "only of this service"),
		"level": flags.String("level", "", "only lines of this level and above: debug, info, warn, error"), "release": flags.String("release", "", "only of this release, such as r3"),
	}
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || wish.lines < 0 || wish.lines > 100_000 {
		return &usageError{errors.New("berth logs takes the name of an app, and --lines from 0 to 100000; see berth help logs")}
	}
	if wish.name, err = app.ParseName(words[0]); err != nil {
		return &usageError{err}
	}
	wish.take(texts, *requests, *pattern)
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	return p.printLogs(ctx, api, wish)
}

func (w *logsWish) take(texts map[string]*string, requests, pattern bool) {
	for field, text := range texts {
		if *text != "" {
			w.query.Set(field, *text)
		}
	}
	if requests {
		w.query.Set("service", string(logs.Requests))
	}
	if pattern {
		w.query.Set("regex", "1")
	}
	w.since = w.query.Has("since")
}

// printLogs prints the newest lines, or all since a moment, and follows.
func (p *program) printLogs(ctx context.Context, api *client, wish logsWish) error {
	after := ""
	if !wish.since {
		newest, err := p.printNewest(ctx, api, wish)
		if err != nil || !wish.follow {
			return err
		}
		after = newest
	}
	for {
		wish.query.Set("after", after)
		if wish.follow {
			wish.query.Set("wait", strconv.Itoa(logsWait))
		}
		answer, err := api.findLogs(ctx, wish, logsAtOnce)
		if err != nil {
			return err
		}
		if err := p.printLines(answer); err != nil || !answer.More && !wish.follow {
			return err
		}
		after = answer.After
	}
}

// printNewest prints the newest lines, the oldest of them first, and returns the cursor behind them.
func (p *program) printNewest(ctx context.Context, api *client, wish logsWish) (after string, err error) {
	var all logsAnswer
	for before := ""; len(all.Lines) < wish.lines || before == ""; {
		wish.query.Set("before", before)
		answer, err := api.findLogs(ctx, wish, min(logsAtOnce, wish.lines-len(all.Lines)))
		if err != nil {
			return "", err
		}
		if before == "" {
			after = answer.After
		}
		all.Lines, before = append(all.Lines, answer.Lines...), answer.Before
		if !answer.More || before == "" {
			break
		}
	}
	slices.Reverse(all.Lines)
	wish.query.Del("before")
	return after, p.printLines(all)
}

func (c *client) findLogs(ctx context.Context, wish logsWish, most int) (answer logsAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, logsTimeout)
	defer cancel()
	wish.query.Set("limit", strconv.Itoa(most))
	err = c.find(ctx, appPath(wish.name)+"/logs?"+wish.query.Encode(), &answer)
	return answer, err
}

func (p *program) printLines(answer logsAnswer) error {
	for _, line := range answer.Lines {
		if _, err := fmt.Fprintf(p.stdout, "%s %s: %s\n", line.At.Format(time.RFC3339), line.Service, line.Text); err != nil {
			return err
		}
	}
	return nil
}
