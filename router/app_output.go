package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
)

// Outputs reads what an app's instances print.
type Outputs interface {
	Output(ctx context.Context, app app.Name, lines int, follow bool, each func(docker.Line) error) error
	OutputAfter(ctx context.Context, app app.Name, after docker.Cursor, each func(docker.Line) error) error
}

const (
	outputLines    = 500                    // how much of the past a page shows
	downloadLines  = 100_000                // and a download holds
	outputGather   = 60 * time.Millisecond  // lines that come together go out together
	outputPause    = time.Second            // least time between two beginnings
	outputFirst    = 250 * time.Millisecond // how long the lines of the past may take to come in
	outputMostHeld = 500                    // lines in one event
	outputAgain    = 3 * time.Second        // when to look again at an app that prints nothing any more
)

type outputPage struct {
	frame
	App   app.Name
	State badge
	Lines []docker.Line
	After docker.Cursor // behind the last of them

	Failed *releaseRow // the only release there was, nil where one is or was live
	Log    logView     // its log, with what its instance printed last
}

// EventsPath is the stream that goes on behind the page's last line.
func (p outputPage) EventsPath() string {
	path := appPath(p.App) + "/output/events"
	if after := p.After.String(); after != "" {
		path += "?" + url.Values{"after": {after}}.Encode()
	}
	return path
}

// showOutput is the output of an app on a page of its own, also without script.
func (a *admin) showOutput(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	page := outputPage{frame: v.frame("Output of "+string(view.Name)).on(view.Name, tabLogs), App: view.Name, State: appBadge(view.Observed.State)}
	if view.Live == 0 && view.Latest != nil && view.Latest.State == app.ReleaseFailed {
		failed := releaseRowOf(*view.Latest)
		page.State, page.Failed = badge{Word: "not deployed", Tone: toneBad}, &failed
		if page.Log, err = a.readLogEnd(view.Latest.ReleaseID); err != nil {
			return err
		}
	}
	err = a.outputs.Output(v.context(), view.Name, outputLines, false, func(line docker.Line) error {
		page.Lines = append(page.Lines, line)
		page.After.Note(line)
		return nil
	})
	if err != nil {
		return err
	}
	page.Lines = newestLines(page.Lines)
	return v.page(http.StatusOK, "output", page)
}

// downloadOutput gives the kept output as text.
func (a *admin) downloadOutput(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	v.attach(fmt.Sprintf("%s-output.txt", view.Name))
	return a.outputs.Output(v.context(), view.Name, downloadLines, false, func(line docker.Line) error {
		_, err := fmt.Fprintf(v.gin.Writer, "%s %s\n", line.At.UTC().Format(time.RFC3339Nano), line.Text)
		return err
	})
}

// attach makes the answer a text file to keep.
func (v *visit) attach(fileName string) {
	v.gin.Header("Content-Type", "text/plain; charset=utf-8")
	v.gin.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fileName))
	v.gin.Status(http.StatusOK)
}

// streamOutput follows what an app prints. It goes on behind what the reader has,
// told by the address or the Last-Event-ID: "lines" events add to it. Where the
// reader has nothing of what runs now, as after a new release, an "output" event
// replaces what the page shows.
func (a *admin) streamOutput(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	follower := &outputFollower{visit: v, app: view.Name, after: readCursor(v)}
	return a.watch(v, watching{topic: view.Name, pause: outputPause, every: outputAgain}, follower.follow)
}

func readCursor(v *visit) docker.Cursor {
	for _, text := range []string{v.request().Header.Get("Last-Event-ID"), v.gin.Query("after")} {
		if after, ok := docker.ParseCursor(text); ok {
			return after
		}
	}
	return docker.Cursor{}
}

// outputFollower sends the output of one app to one reader.
type outputFollower struct {
	visit *visit
	app   app.Name
	after docker.Cursor
	shown string // the last "output" event, so that a silent app is not sent again and again
}

// follow passes lines on until the app's instance is gone or the reader is.
func (f *outputFollower) follow(stream *eventStream) (bool, error) {
	if f.after.String() == "" {
		return f.followWith(stream, true, f.begin)
	}
	done, err := f.followWith(stream, false, f.resume)
	if errors.Is(err, docker.ErrCursor) {
		f.after = docker.Cursor{}
		return f.followWith(stream, true, f.begin)
	}
	return done, err
}

func (f *outputFollower) begin(ctx context.Context, each func(docker.Line) error) error {
	return f.visit.admin.outputs.Output(ctx, f.app, outputLines, true, each)
}

func (f *outputFollower) resume(ctx context.Context, each func(docker.Line) error) error {
	return f.visit.admin.outputs.OutputAfter(ctx, f.app, f.after.Clone(), each)
}

func (f *outputFollower) followWith(stream *eventStream, whole bool, read func(context.Context, func(docker.Line) error) error) (bool, error) {
	ctx, cancel := context.WithCancel(f.visit.context())
	defer cancel()
	lines := make(chan docker.Line, outputMostHeld)
	ended := make(chan error, 1)
	go func() {
		ended <- read(ctx, func(line docker.Line) error {
			select {
			case lines <- line:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		close(lines)
	}()
	err := f.pass(ctx, stream, whole, lines)
	cancel()
	for range lines {
		continue // empties the channel, so that Output can return
	}
	cause := <-ended
	switch {
	case err != nil, f.visit.context().Err() != nil:
		return true, err
	case isMissing(cause):
		return true, stream.send("gone", "", "")
	case errors.Is(cause, docker.ErrCursor):
		return false, cause
	case cause != nil && ctx.Err() == nil:
		return false, cause
	default:
		return false, nil // it stopped; look again later
	}
}

// pass gathers lines that come together and sends them on.
func (f *outputFollower) pass(ctx context.Context, stream *eventStream, first bool, lines <-chan docker.Line) error {
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	// first: nothing was sent yet, and what is sent replaces what the page shows.
	var held []docker.Line
	var due <-chan time.Time // nil while nothing is held
	if first {
		due = time.After(outputFirst)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beats.C:
			if err := stream.beat(); err != nil {
				return err
			}
			continue
		case line, open := <-lines:
			if !open && !first && len(held) == 0 {
				return nil
			}
			if !open {
				return f.send(stream, first, held)
			}
			held = append(held, line)
			if due == nil {
				due = time.After(outputGather)
			}
			if len(held) < outputMostHeld {
				continue
			}
		case <-due:
		}
		if err := f.send(stream, first, held); err != nil {
			return err
		}
		first, held, due = false, held[:0], nil
	}
}

func (f *outputFollower) send(stream *eventStream, whole bool, lines []docker.Line) error {
	for _, line := range lines {
		f.after.Note(line)
	}
	if !whole {
		html, err := f.visit.fragment("output", "lines", lines)
		if err != nil {
			return err
		}
		return stream.send("lines", f.after.String(), strings.TrimSpace(html))
	}
	html, err := f.visit.fragment("output", "output", newestLines(lines))
	if err != nil || html == f.shown {
		return err
	}
	f.shown = html
	return stream.send("output", f.after.String(), html)
}
