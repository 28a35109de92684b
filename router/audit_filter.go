package router

import (
	"net/url"
	"time"

	"berth/controller/audit"
	"berth/controller/problem"
)

// The fields of the filter, as they stand in the address of the page.
const (
	filterText    = "text"
	filterAction  = "action"
	filterWho     = "who"
	filterOutcome = "outcome"
	filterFrom    = "from"
	filterTo      = "to"
)

const dateLayout = "2006-01-02"

// auditFilter is the filter of the audit log as it was typed.
type auditFilter struct {
	Text, Action, Who, Outcome, From, To string
}

func typedAuditFilter(query url.Values) auditFilter {
	f := auditFilter{
		Text: query.Get(filterText), Action: query.Get(filterAction), Who: query.Get(filterWho),
		From: query.Get(filterFrom), To: query.Get(filterTo),
	}
	switch outcome := audit.Outcome(query.Get(filterOutcome)); outcome {
	case audit.Succeeded, audit.Failed:
		f.Outcome = string(outcome)
	}
	return f
}

// parse returns what the ledger is asked for, and what cannot be asked.
func (f auditFilter) parse() (audit.Filter, fieldProblems) {
	problems := fieldProblems{}
	filter := audit.Filter{
		Text: f.Text, Action: audit.Action(f.Action), Account: f.Who, Outcome: audit.Outcome(f.Outcome),
	}
	filter.From = problems.parseDay(filterFrom, f.From)
	if to := problems.parseDay(filterTo, f.To); !to.IsZero() {
		filter.To = to.AddDate(0, 0, 1) // the day itself included
	}
	return filter, problems
}

func (f fieldProblems) parseDay(field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(dateLayout, text)
	if err != nil {
		f[field] = problem.Invalid("This is not a day.", "Write it as year-month-day, such as 2026-03-31.").At(field).Because(err)
	}
	return day
}

// set reports whether anything is filtered.
func (f auditFilter) set() bool { return f != auditFilter{} }

// path leads to a page of the audit log with this filter.
func (f auditFilter) path(page, key, value string) string {
	query := url.Values{}
	for field, text := range map[string]string{
		filterText: f.Text, filterAction: f.Action, filterWho: f.Who, filterOutcome: f.Outcome, filterFrom: f.From, filterTo: f.To,
		key: value,
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
