package router

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
)

// Logs are what apps printed and the requests to them, over all releases.
type Logs interface {
	Streams(app.Name) []logs.Stream
	Find(app.Name, logs.Stream, uint64) (logs.Line, bool)
	Newest(app.Name, logs.Query) (logs.Position, error)
	Moment(app.Name, logs.Query, time.Time) (logs.Position, error)
	Older(ctx context.Context, name app.Name, q logs.Query, before logs.Position, most int) (logs.Page, error)
	Newer(ctx context.Context, name app.Name, q logs.Query, after logs.Position, most int) (logs.Page, error)
	Subscribe(app.Name) (ticks <-chan struct{}, cancel func())
}

const (
	logLines      = 400 // of a page
	logLinesAfter = 50  // of a page that leads to a line: those behind it
	logMarkup     = 450 // bytes around the text of a line
	partMarkup    = 50  // and around a part of it
)

type logsPage struct {
	frame
	App     app.Name
	Path    string // of the page
	Filter  logFilter
	Streams []logs.Stream
	Wrongs  fieldProblems
	Lines   logLinesView

	Newest   string // the address that shows the newest lines; empty where they are shown
	Events   string // the stream that goes on behind them; empty where older ones are shown
	Text     string // addresses of downloads
	JSON     string
	Everyone string // the address without a filter
	Requests string // the address of the other tab
}

// Several says that a line has to tell its service.
func (p logsPage) Several() bool { return len(p.Streams) > 1 }

// showLogs shows the newest lines of an app's log, those before a position, or those around one line.
func (a *admin) showLogs(v *visit) error {
	name, q, page, err := a.beginLogs(v)
	if err != nil {
		return err
	}
	page.frame = v.frame("Logs of "+string(name)).on(name, tabLogs)
	if len(page.Wrongs) > 0 {
		return v.page(page.Wrongs.status(), "logs", page)
	}
	before, newest, err := a.logsBefore(v, name, q)
	if err != nil {
		return err
	}
	found, err := a.logs.Older(v.context(), name, q, before, logLines)
	if err != nil {
		return err
	}
	page.Lines = viewLogs(page, fitLogs(found), v.gin.Query(logAt))
	if newest && q.Until.IsZero() {
		page.Events = page.Filter.path(page.Path+"/events", logAfter, before.String())
	} else {
		page.Newest = page.Filter.path(page.Path, "", "")
	}
	return v.page(http.StatusOK, "logs", page)
}

// beginLogs reads what is asked for, and makes the page around the lines.
func (a *admin) beginLogs(v *visit) (app.Name, logs.Query, logsPage, error) {
	view, err := a.appOf(v)
	if err != nil {
		return "", logs.Query{}, logsPage{}, err
	}
	filter := typedLogFilter(v.request().URL.Query())
	q, problems := filter.parse(time.Now())
	if q.Since.Before(view.CreatedAt) {
		q.Since = view.CreatedAt // another app may have had its name before
	}
	page := logsPage{App: view.Name, Path: appPath(view.Name) + "/logs", Filter: filter, Wrongs: problems}
	for _, stream := range a.logs.Streams(view.Name) {
		if stream != logs.Requests {
			page.Streams = append(page.Streams, stream)
		}
	}
	slices.Sort(page.Streams)
	page.Text, page.JSON = filter.path(page.Path+"/download", logFormat, "txt"), filter.path(page.Path+"/download", logFormat, "jsonl")
	page.Everyone, page.Requests = page.Path, logFilter{Service: string(logs.Requests)}.path(page.Path, "", "")
	return view.Name, q, page, nil
}

// logsBefore is the position before which the lines are shown, and whether that is the end.
func (a *admin) logsBefore(v *visit, name app.Name, q logs.Query) (before logs.Position, newest bool, err error) {
	if at, ok := logs.ParsePosition(v.gin.Query(logBefore)); ok {
		return at, false, nil
	}
	if line, ok := a.lineAt(name, v.gin.Query(logAt)); ok {
		around, err := a.logs.Moment(name, q, line.At)
		if err != nil {
			return logs.Position{}, false, err
		}
		around.Set(line.Stream, line.Number)
		behind, err := a.logs.Newer(v.context(), name, q, around, logLinesAfter)
		return behind.Next, false, err
	}
	before, err = a.logs.Newest(name, q)
	return before, true, err
}

// lineAt finds the line that an address names, such as "web:123".
func (a *admin) lineAt(name app.Name, text string) (logs.Line, bool) {
	stream, number, _ := strings.Cut(text, ":")
	of, ok := logs.ParseStream(stream)
	at, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil {
		return logs.Line{}, false
	}
	return a.logs.Find(name, of, at)
}

// showOlderLogs is the part of a page that is put before its first line.
func (a *admin) showOlderLogs(v *visit) error {
	name, q, page, err := a.beginLogs(v)
	if err != nil {
		return err
	}
	if err := page.Wrongs.all(); err != nil {
		return err
	}
	before, err := parseLogCursor(logBefore, v.gin.Query(logBefore))
	if err != nil {
		return err
	}
	found, err := a.logs.Older(v.context(), name, q, before, logLines)
	if err != nil {
		return err
	}
	html, err := v.fragment("logs", "log-lines", viewLogs(page, fitLogs(found), ""))
	if err != nil {
		return err
	}
	v.gin.Data(http.StatusOK, "text/html; charset=utf-8", []byte(html))
	return nil
}

// fitLogs drops the oldest lines that do not fit in a page, and moves the position behind them.
func fitLogs(found logs.Page) logs.Page { return fit(found, 1) }

// fitNewer is fitLogs for lines of which the oldest comes first.
func fitNewer(found logs.Page) logs.Page { return fit(found, 0) }

// fit drops the last lines that do not fit. The position goes so many lines behind each, so
// that the next page, older or newer, begins with them.
func fit(found logs.Page, behind uint64) logs.Page {
	room := mostOutputBytes
	for at, line := range found.Lines {
		if room -= logBytes(line); room >= 0 || at == 0 {
			continue
		}
		for _, dropped := range slices.Backward(found.Lines[at:]) {
			found.Next.Set(dropped.Stream, dropped.Number+behind)
		}
		found.Lines, found.More = found.Lines[:at], true
		break
	}
	return found
}

// logBytes is about what a line takes on a page.
func logBytes(line logs.Line) int {
	return logMarkup + len(template.HTMLEscapeString(line.Text)) + partMarkup*strings.Count(line.Text, "\x1b")
}

// logLinesView are lines in the order of a page, the oldest first.
type logLinesView struct {
	Lines    []logLine
	Older    string // the address of those before; empty where there are none
	OlderFor string // the same as a part of a page
	Cut      bool   // the search was not finished
}

// logLine is one line on a page.
type logLine struct {
	ID      string
	Link    string
	At      time.Time
	Class   string
	Service string // empty where there is only one
	Release int64
	Parts   []logPart
}

type logPart struct{ Class, Text string }

func viewLogs(page logsPage, found logs.Page, marked string) logLinesView {
	view := logLinesView{Cut: found.Cut}
	for _, line := range slices.Backward(found.Lines) {
		view.Lines = append(view.Lines, viewLog(page, line, marked))
	}
	if found.More {
		view.Older = page.Filter.path(page.Path, logBefore, found.Next.String())
		view.OlderFor = page.Filter.path(page.Path+"/lines", logBefore, found.Next.String())
	}
	return view
}

func viewLog(page logsPage, line logs.Line, marked string) logLine {
	id := fmt.Sprintf("%s:%d", line.Stream, line.Number)
	made := logLine{ID: "line-" + id, At: line.At, Release: line.Release, Link: page.Path + "?" + url.Values{logAt: {id}, logService: {serviceOfLink(line.Stream)}}.Encode() + "#line-" + id}
	if page.Several() && line.Stream != logs.Requests {
		made.Service = string(line.Stream)
	}
	var classes []string
	for class, has := range map[string]bool{
		"err": line.Stderr, "lost": line.Lost, "level-" + line.Level.String(): line.Level >= logs.Warn, "marked": id == marked,
	} {
		if has {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	made.Class = strings.Join(classes, " ")
	for _, part := range logs.Parts(line.Text) {
		made.Parts = append(made.Parts, logPart{styleClass(part.Style), part.Text})
	}
	return made
}

// serviceOfLink is the tab on which a line is shown among the others.
func serviceOfLink(stream logs.Stream) string {
	if stream == logs.Requests {
		return string(logs.Requests)
	}
	return ""
}

// styleClass names the classes of a style, such as "fg2 bold"; empty for the usual one.
func styleClass(style logs.Style) string {
	var classes []string
	if style.Foreground > 0 {
		classes = append(classes, fmt.Sprintf("fg%d", style.Foreground))
	}
	if style.Background > 0 {
		classes = append(classes, fmt.Sprintf("bg%d", style.Background))
	}
	for class, has := range map[string]bool{"bold": style.Bold, "italic": style.Italic, "underline": style.Underline} {
		if has {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	return strings.Join(classes, " ")
}
