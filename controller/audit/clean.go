package audit

import (
	"time"
	"unicode/utf8"

	"berth/controller/printable"
)

// The most bytes of each field of an entry; the rest is cut off.
const (
	mostName     = 100 // action, account, address, request id
	mostResource = 200
	mostAgent    = 300
	mostDetail   = 500
)

// clean returns the event as the log stores it: in UTC, short, and in printable
// characters. So no field can pass for another line or field.
func (e Event) clean(now time.Time) Event {
	if e.At.IsZero() {
		e.At = now
	}
	e.At = toMicro(e.At)
	e.Action = Action(text(string(e.Action), mostName))
	e.Resource = text(e.Resource, mostResource)
	e.Account = text(e.Account, mostName)
	e.Address = text(e.Address, mostName)
	e.UserAgent = text(e.UserAgent, mostAgent)
	e.RequestID = text(e.RequestID, mostName)
	e.Detail = text(e.Detail, mostDetail)
	return e
}

// from fills the empty fields of the event from the origin.
func (e Event) from(origin Origin) Event {
	if e.Address == "" && e.UserAgent == "" && e.RequestID == "" {
		e.Address, e.UserAgent, e.RequestID = origin.Address, origin.UserAgent, origin.RequestID
	}
	return e
}

const cutMark = "…"

// text makes text printable and at most so many bytes long. It replaces every unprintable
// character, with line ends and marks of writing direction, by a replacement character,
// so that people see it.
func text(text string, most int) string {
	cleaned := printable.Replace(text, utf8.RuneError)
	if len(cleaned) <= most {
		return cleaned
	}
	end := most - len(cutMark)
	for !utf8.RuneStart(cleaned[end]) {
		end--
	}
	return cleaned[:end] + cutMark
}
