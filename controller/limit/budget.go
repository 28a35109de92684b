package limit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a budget may be. What lies outside is a slip of the pen.
const (
	maxWindows  = 4
	maxRequests = 1_000_000_000
	minSpan     = time.Second
	maxSpan     = 31 * 24 * time.Hour
)

// BudgetForm says in words how a budget is written.
const BudgetForm = "a number from 1 and a duration from 1s to 744h, such as 10/1h, or several with commas between, such as 100/1m,1000/1h"

// ErrBudget is a text that is no budget.
var ErrBudget = errors.New("not " + BudgetForm)

// Window allows Requests in every Span.
type Window struct {
	Requests int
	Span     time.Duration
}

// Budget is what fits: every window holds. An empty one allows nothing.
type Budget []Window

// ParseBudget reads windows such as 100/1m,1000/1h; the number may be left out of
// the duration, as in 5/m. No two windows have one span.
func ParseBudget(s string) (Budget, error) {
	var budget Budget
	for text := range strings.SplitSeq(s, ",") {
		window, err := parseWindow(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(budget, func(w Window) bool { return w.Span == window.Span }) || len(budget) == maxWindows {
			return nil, ErrBudget
		}
		budget = append(budget, window)
	}
	return budget, nil
}

// String is the form that ParseBudget reads.
func (b Budget) String() string {
	texts := make([]string, 0, len(b))
	for _, w := range b {
		texts = append(texts, strconv.Itoa(w.Requests)+"/"+w.Span.String())
	}
	return strings.Join(texts, ",")
}

// Words is the budget for people, such as "100 per minute and 1,000 per hour".
func (b Budget) Words() string {
	if len(b) == 0 {
		return "none"
	}
	texts := make([]string, 0, len(b))
	for _, w := range b {
		texts = append(texts, thousands(w.Requests)+" per "+strings.TrimPrefix(SpanWords(w.Span), "1 "))
	}
	return strings.Join(texts, " and ")
}

// SpanWords is a duration for people, rounded up to the next whole second, such
// as "15 minutes" and "2 minutes 5 seconds".
func SpanWords(d time.Duration) string {
	seconds := int64((d + time.Second - 1) / time.Second)
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if seconds > 0 && seconds%unit.seconds == 0 {
			return plural(seconds/unit.seconds, unit.name)
		}
	}
	if seconds > 60 {
		return plural(seconds/60, "minute") + " " + plural(seconds%60, "second")
	}
	return plural(seconds, "second")
}

func plural(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

func parseWindow(s string) (Window, error) {
	number, span, found := strings.Cut(s, "/")
	requests, err := strconv.Atoi(number)
	if !found || err != nil || requests < 1 || requests > maxRequests {
		return Window{}, ErrBudget
	}
	if span != "" && (span[0] < '0' || span[0] > '9') {
		span = "1" + span
	}
	duration, err := time.ParseDuration(span)
	if err != nil || duration < minSpan || duration > maxSpan {
		return Window{}, ErrBudget
	}
	return Window{Requests: requests, Span: duration}, nil
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// longest is the span of the longest window.
func (b Budget) longest() time.Duration {
	var longest time.Duration
	for _, w := range b {
		longest = max(longest, w.Span)
	}
	return longest
}
