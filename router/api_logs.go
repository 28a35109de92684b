package router

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/controller/problem"
	"berth/router/openapi"
)

const (
	mostAPILogs = 1000
	mostWait    = 25 // seconds that a call waits for new lines
)

// logJSON is one line of a log as the API shows it.
type logJSON struct {
	ID      string      `json:"id"` // of the line, as addresses of the page have it
	At      time.Time   `json:"at"`
	Service logs.Stream `json:"service"` // or @requests
	Output  string      `json:"output"`  // stdout or stderr; empty for a line about lost lines
	Level   string      `json:"level,omitempty"`
	Release int64       `json:"release,omitempty"`
	Lost    bool        `json:"lost,omitempty"` // lines are missing here, and text says so
	Text    string      `json:"text"`
}

func logJSONOf(line logs.Line) logJSON {
	made := logJSON{
		ID: fmt.Sprintf("%s:%d", line.Stream, line.Number), At: line.At.UTC(), Service: line.Stream, Output: "stdout",
		Level: line.Level.String(), Release: line.Release, Lost: line.Lost, Text: logs.Plain(line.Text),
	}
	switch {
	case line.Lost:
		made.Output = ""
	case line.Stderr:
		made.Output = "stderr"
	}
	return made
}

// logsJSON is a part of a log: the newest first, or the oldest first behind a cursor.
type logsJSON struct {
	Lines []logJSON `json:"lines"`
	// Before goes on with older lines, and After with newer ones.
	Before string `json:"before"`
	After  string `json:"after"`
	More   bool   `json:"more"`
	Cut    bool   `json:"cut"` // the search stopped early: go on by the cursor
}

// logsQuery are the parameters of apiShowLogs.
var logsQuery = []openapi.Query{
	{Name: logService, Text: "One service, or @requests for the requests to the app. Empty: all services."},
	{Name: logs.FieldText, Text: "What a line holds."},
	{Name: logs.FieldPattern, Text: "1: q is a regular expression (RE2)."},
	{Name: logs.FieldLevel, Text: "Lines of this level and above: debug, info, warn or error."},
	{Name: logRelease, Number: true, Text: "Of one release."},
	{Name: logSince, Text: "A moment, such as 2026-03-31T12:00:00Z, or how long ago, such as 1h."},
	{Name: logUntil, Text: "Likewise, the end."},
	{Name: logBefore, Text: "A cursor: older lines."},
	{Name: logAfter, Text: "A cursor: newer lines, the oldest first."},
	{Name: "limit", Number: true, Text: fmt.Sprintf("How many lines at most: 1 to %d.", mostAPILogs)},
	{Name: "wait", Number: true, Text: fmt.Sprintf("With after: wait so many seconds for a line, %d at most.", mostWait)},
}

// apiShowLogs answers with the newest lines, or those before or after a cursor. With wait it
// waits for lines after the cursor, for so many seconds.
func (a *admin) apiShowLogs(v *visit) error {
	name, q, page, err := a.beginLogs(v)
	if err != nil {
		return err
	}
	most, wait := page.Wrongs.parseCount("limit", v.gin.Query("limit"), 100, mostAPILogs), page.Wrongs.parseCount("wait", v.gin.Query("wait"), 0, mostWait)
	if err := page.Wrongs.all(); err != nil {
		return err
	}
	if after, following := v.gin.GetQuery(logAfter); following {
		return a.apiNewerLogs(v, name, q, after, most, time.Duration(wait)*time.Second)
	}
	newest, err := a.logs.Newest(name, q)
	if err != nil {
		return err
	}
	before := newest
	if text := v.gin.Query(logBefore); text != "" {
		if before, err = parseLogCursor(logBefore, text); err != nil {
			return err
		}
	}
	found, err := a.logs.Older(v.context(), name, q, before, most)
	if err != nil {
		return err
	}
	found = fitLogs(found)
	return v.json(http.StatusOK, logsJSONOf(found, found.Next, before))
}

func parseLogCursor(field, text string) (logs.Position, error) {
	at, ok := logs.ParsePosition(text)
	if !ok {
		return logs.Position{}, problem.Invalid("This is not a cursor of a log.", "Take it from an earlier answer, as it is.").At(field)
	}
	return at, nil
}

func logsJSONOf(found logs.Page, before, after logs.Position) logsJSON {
	made := logsJSON{Lines: []logJSON{}, Before: before.String(), After: after.String(), More: found.More, Cut: found.Cut}
	for _, line := range found.Lines {
		made.Lines = append(made.Lines, logJSONOf(line))
	}
	return made
}

// apiNewerLogs answers with the lines after a cursor. The empty cursor is before all lines, or where since begins.
func (a *admin) apiNewerLogs(v *visit, name app.Name, q logs.Query, text string, most int, wait time.Duration) error {
	after, err := a.logs.Moment(name, q, q.Since)
	if text != "" {
		after, err = parseLogCursor(logAfter, text)
	}
	if err != nil {
		return err
	}
	ticks, cancel := a.logs.Subscribe(name)
	defer cancel()
	until, stop := context.WithTimeout(v.context(), wait)
	defer stop()
	for {
		found, err := a.logs.Newer(v.context(), name, q, after, most)
		if err != nil {
			return err
		}
		found = fitNewer(found)
		before := after
		after = found.Next
		if len(found.Lines) > 0 || found.More || until.Err() != nil {
			return v.json(http.StatusOK, logsJSONOf(found, before, after))
		}
		select {
		case <-ticks:
		case <-until.Done():
		}
	}
}

// parseCount reads a number from 0 to most; the empty text is the usual one.
func (f fieldProblems) parseCount(field, text string, usual, most int) int {
	if text == "" {
		return usual
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 || count > most {
		f[field] = problem.Invalid(fmt.Sprintf("%.20q is not a number from 0 to %d.", text, most), "Write digits alone, such as 20.").At(field)
	}
	return count
}
