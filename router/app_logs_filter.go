package router

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/logs"
	"berth/controller/problem"
)

// The fields of the filter of logs, as they stand in addresses.
const (
	logService = "service"
	logSince   = "since"
	logUntil   = "until"
	logRelease = "release"
	logBefore  = "before"
	logAfter   = "after"
	logAt      = "at" // one line
	logFormat  = "format"
)

// logFilter is the filter of logs as it was typed.
type logFilter struct {
	Text, Pattern, Service, Level, Since, Until, Release string
}

func typedLogFilter(query url.Values) logFilter {
	return logFilter{
		Text: query.Get(logs.FieldText), Pattern: query.Get(logs.FieldPattern), Service: query.Get(logService), Level: query.Get(logs.FieldLevel),
		Since: query.Get(logSince), Until: query.Get(logUntil), Release: query.Get(logRelease),
	}
}

// parse returns what is searched for, and what cannot be.
func (f logFilter) parse(now time.Time) (logs.Query, fieldProblems) {
	problems := fieldProblems{}
	var q logs.Query
	problems.note(q.Search(f.Text, f.Pattern != ""))
	level, err := logs.ParseLevel(f.Level)
	problems.note(err)
	q.Level, q.Since, q.Until = level, problems.parseMoment(logSince, f.Since, now), problems.parseMoment(logUntil, f.Until, now)
	if f.Service != "" {
		stream, ok := logs.ParseStream(f.Service)
		if !ok {
			problems[logService] = problem.Invalid("This is not the name of a service.", "Choose one of the list.").At(logService)
		}
		q.Stream = stream
	}
	if f.Release != "" {
		number, err := strconv.ParseInt(strings.TrimPrefix(f.Release, "r"), 10, 64)
		if err != nil || number < 1 {
			problems[logRelease] = problem.Invalid("This is not the number of a release.", "Write it as r3 or 3.").At(logRelease)
		}
		q.Release = number
	}
	return q, problems
}

// note takes a problem with a field.
func (f fieldProblems) note(err error) {
	if fault, ok := errors.AsType[*problem.Problem](err); ok {
		f[fault.Field] = fault
	}
}

// all are the problems as one error, by field; nil where there is none.
func (f fieldProblems) all() error {
	var faults problem.Problems
	for _, field := range slices.Sorted(maps.Keys(f)) {
		faults = append(faults, f[field])
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}

// parseMoment reads a time, or how long ago it was, such as 90m or 2d. The empty text is the zero time.
func (f fieldProblems) parseMoment(field, text string, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if count, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(count))
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, dateLayout} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	f[field] = problem.Invalid("This is not a time.", "Write it as 2026-03-31T14:05 in UTC, or how long ago it was, such as 90m, 12h or 2d.").At(field)
	return time.Time{}
}

// Set reports whether anything is filtered, beside the tab.
func (f logFilter) Set() bool {
	if f.Service == string(logs.Requests) {
		f.Service = ""
	}
	return f != logFilter{}
}

// Requests reports whether the filter is of requests.
func (f logFilter) Requests() bool { return f.Service == string(logs.Requests) }

// path leads to a page with this filter, and one field more where it has a value.
func (f logFilter) path(page, key, value string) string {
	query := url.Values{}
	for field, text := range map[string]string{
		logs.FieldText: f.Text, logs.FieldPattern: f.Pattern, logService: f.Service, logs.FieldLevel: f.Level,
		logSince: f.Since, logUntil: f.Until, logRelease: f.Release, key: value,
	} {
		if text != "" {
			query.Set(field, text)
		}
	}
	if len(query) == 0 {
		return page
	}
	return page + "?" + query.Encode()
}
