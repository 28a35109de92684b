package router

import (
	"context"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/controller/pause"
)

// logsPause is the least time between two looks at a log that grows all the time.
const logsPause = 250 * time.Millisecond

// streamLogs goes on behind a page: "lines" events add the lines that come, from exactly
// behind the position that the address or the Last-Event-ID tells.
func (a *admin) streamLogs(v *visit) error {
	name, q, page, err := a.beginLogs(v)
	if err != nil {
		return err
	}
	after := logsAfter(v)
	ticks, cancel := a.logs.Subscribe(name)
	defer cancel()
	stream := openStream(v)
	defer stream.end()
	if err := stream.beat(); err != nil {
		return err
	}
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	for {
		after, err = a.sendLogs(v, stream, page, q, after)
		if v.context().Err() != nil {
			return nil // the reader is gone
		}
		if err != nil {
			return err
		}
		if pause.For(v.context(), logsPause) != nil {
			return nil
		}
		select {
		case <-v.context().Done():
			return nil
		case <-ticks:
		case <-beats.C:
			if done, err := a.beatLogs(v.context(), stream, name); done || err != nil {
				return err
			}
		}
	}
}

// logsAfter is where a reader stands; before all lines where it has seen none.
func logsAfter(v *visit) logs.Position {
	for _, text := range []string{v.request().Header.Get("Last-Event-ID"), v.gin.Query(logAfter)} {
		if after, ok := logs.ParsePosition(text); ok {
			return after
		}
	}
	return logs.Position{}
}

// sendLogs sends all lines behind a position, and returns the position behind them.
func (a *admin) sendLogs(v *visit, stream *eventStream, page logsPage, q logs.Query, after logs.Position) (logs.Position, error) {
	for {
		found, err := a.logs.Newer(v.context(), page.App, q, after, logLines)
		if err != nil {
			return after, err
		}
		found = fitNewer(found)
		after = found.Next
		if len(found.Lines) > 0 {
			var view logLinesView
			for _, line := range found.Lines {
				view.Lines = append(view.Lines, viewLog(page, line, ""))
			}
			html, err := v.fragment("logs", "log-lines", view)
			if err != nil {
				return after, err
			}
			if err := stream.send("lines", after.String(), strings.TrimSpace(html)); err != nil {
				return after, err
			}
		}
		if !found.More {
			return after, nil
		}
	}
}

// beatLogs keeps the stream alive, and ends it with its app.
func (a *admin) beatLogs(ctx context.Context, stream *eventStream, name app.Name) (done bool, err error) {
	if _, err := a.apps.App(ctx, name); isMissing(err) {
		return true, stream.send("gone", "", "")
	}
	return false, stream.beat()
}
