package controller

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Most bytes of each field of an entry; more is cut off.
const (
	mostAuditName     = 100 // action, account, address, request id
	mostAuditResource = 200
	mostAuditAgent    = 300
	mostAuditDetail   = 500
)

// clean returns the event as the log keeps it: in UTC, short, and in characters
// that can be printed, so that no field can pass for a line or a field of its own.
func (e AuditEvent) clean(now time.Time) AuditEvent {
	if e.At.IsZero() {
		e.At = now
	}
	e.At = auditTime(e.At)
	e.Action = Action(auditText(string(e.Action), mostAuditName))
	e.Resource = auditText(e.Resource, mostAuditResource)
	e.Account = auditText(e.Account, mostAuditName)
	e.Address = auditText(e.Address, mostAuditName)
	e.UserAgent = auditText(e.UserAgent, mostAuditAgent)
	e.RequestID = auditText(e.RequestID, mostAuditName)
	e.Detail = auditText(e.Detail, mostAuditDetail)
	return e
}

// from fills in what the event does not say of its origin.
func (e AuditEvent) from(origin AuditOrigin) AuditEvent {
	if e.Address == "" && e.UserAgent == "" && e.RequestID == "" {
		e.Address, e.UserAgent, e.RequestID = origin.Address, origin.UserAgent, origin.RequestID
	}
	return e
}

const cutMark = "…"

// auditText makes text printable and at most so many bytes long. What is not
// printable, line ends and marks that turn the direction of writing among it,
// becomes a replacement character, so that it is seen.
func auditText(text string, most int) string {
	cleaned := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
	if len(cleaned) <= most {
		return cleaned
	}
	end := most - len(cutMark)
	for !utf8.RuneStart(cleaned[end]) {
		end--
	}
	return cleaned[:end] + cutMark
}
