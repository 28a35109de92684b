package logs

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"berth/controller/problem"
)

// Query says which lines are wanted. The zero value is what all services printed.
type Query struct {
	Stream  Stream // empty for those of all services
	Since   time.Time
	Until   time.Time // zero for now
	Release int64     // 0 for all
	Level   Level     // the least serious one; Unknown for all lines
	Text    string    // what a line holds, as it is written
	Pattern *regexp.Regexp
}

// MostSearch is how long a text or an expression to search for may be, in bytes.
const MostSearch = 200

// The fields of what is searched for.
const (
	FieldText    = "q"
	FieldPattern = "regex"
)

// Search sets what is searched for: a text, or a regular expression of RE2.
func (q *Query) Search(text string, pattern bool) error {
	if len(text) > MostSearch || !utf8.ValidString(text) {
		return problem.Invalid("What to search for is too long, or not text.", fmt.Sprintf("Search for at most %d bytes of UTF-8.", MostSearch)).At(FieldText)
	}
	if text == "" || !pattern {
		q.Text = text
		return nil
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return problem.Invalid(
			"This is not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: ")+".", `Write it as RE2 reads it, or untick "regular expression".`,
		).At(FieldText)
	}
	q.Pattern = compiled
	return nil
}

// Wants reports whether the query is about the stream.
func (q Query) Wants(stream Stream) bool {
	if q.Stream == "" {
		return stream != Requests
	}
	return stream == q.Stream
}

// Matches reports whether a line is wanted. A line about lost lines is of every release and level.
func (q Query) Matches(line Line) bool {
	if !q.Since.IsZero() && line.At.Before(q.Since) || !q.Until.IsZero() && !line.At.Before(q.Until) || q.Release != 0 && line.Release != q.Release && !line.Lost {
		return false
	}
	if line.Level < q.Level && !line.Lost {
		return false
	}
	if q.Text == "" && q.Pattern == nil {
		return true
	}
	text := Plain(line.Text)
	return strings.Contains(text, q.Text) && (q.Pattern == nil || q.Pattern.MatchString(text))
}

// Page is a part of what a query finds.
type Page struct {
	Lines []Line
	// Next is where the search goes on.
	Next Position
	// More says that there may be more lines; false at the end of what is kept.
	More bool
	// Cut says that the search took too long, or read too much, and stopped before it had all lines of a page.
	Cut bool
}
