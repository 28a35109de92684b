package router

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
)

// mostLogDownload is how many lines a download holds; the API has the rest.
const mostLogDownload = 500_000

// downloadLogs gives the lines that the filter finds, the oldest first, as text or as JSON.
func (a *admin) downloadLogs(v *visit) error {
	name, q, page, err := a.beginLogs(v)
	if err != nil {
		return err
	}
	if err := page.Wrongs.all(); err != nil {
		return err
	}
	at, err := a.logs.Moment(name, q, q.Since)
	if err != nil {
		return err
	}
	format, kind := "txt", "text/plain; charset=utf-8"
	if v.gin.Query(logFormat) == "jsonl" {
		format, kind = "jsonl", "application/jsonl; charset=utf-8"
	}
	v.gin.Header("Content-Type", kind)
	v.gin.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-logs.%s", name, format)))
	v.gin.Status(http.StatusOK)
	return a.writeLogs(v, name, q, at, func(line logs.Line) error { return writeLog(v.gin.Writer, format, page.Several(), line) })
}

func (a *admin) writeLogs(v *visit, name app.Name, q logs.Query, at logs.Position, each func(logs.Line) error) error {
	for written := 0; written < mostLogDownload; {
		found, err := a.logs.Newer(v.context(), name, q, at, logLines)
		if err != nil {
			return err
		}
		for _, line := range found.Lines {
			if err := each(line); err != nil {
				return err
			}
		}
		if !found.More {
			return nil
		}
		written, at = written+len(found.Lines), found.Next
	}
	return nil
}

func writeLog(to io.Writer, format string, several bool, line logs.Line) error {
	if format == "jsonl" {
		return json.NewEncoder(to).Encode(logJSONOf(line))
	}
	service := ""
	if several && line.Stream != logs.Requests {
		service = string(line.Stream) + ": "
	}
	_, err := fmt.Fprintf(to, "%s %s%s\n", line.At.UTC().Format(time.RFC3339Nano), service, logs.Plain(line.Text))
	return err
}
