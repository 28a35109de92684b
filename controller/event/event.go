// Package event says what happens to apps and to the server: the nouns of the events page, and how each follows from what the ledger keeps.
package event

import (
	"slices"
	"time"
	"unicode/utf8"

	"berth/controller/printable"
)

// Kind is what happened; scripts know these words.
type Kind string

// The kinds.
const (
	ReleaseLive      Kind = "release.live"
	ReleaseFailed    Kind = "release.failed"
	ReleaseCancelled Kind = "release.cancelled"

	AppRunning     Kind = "app.running"
	AppUnhealthy   Kind = "app.unhealthy"
	AppRestarted   Kind = "app.restarted"
	AppOutOfMemory Kind = "app.out_of_memory"
	AppExited      Kind = "app.exited"
	AppDown        Kind = "app.down"
	AppStopped     Kind = "app.stopped"

	CertificateFailed   Kind = "certificate.failed"
	CertificateExpiring Kind = "certificate.expiring"
	CertificateGood     Kind = "certificate.good"
	DiskLow             Kind = "disk.low"
	DiskFull            Kind = "disk.full"
	DiskEnough          Kind = "disk.enough"
	BackupDone          Kind = "backup.done"
	BackupFailed        Kind = "backup.failed"

	BrokerRefusal Kind = "broker.refusal"
	SignIn        Kind = "sign_in.done"
	SignInFailed  Kind = "sign_in.failed"
	SignInLocked  Kind = "sign_in.locked"
	Change        Kind = "change"
)

// Level says how bad an event is.
type Level string

// The levels.
const (
	Info    Level = "info"
	Warning Level = "warning"
	Error   Level = "error"
)

// about says a kind in words.
type about struct {
	kind  Kind
	words string
	level Level
}

var kinds = []about{
	{ReleaseLive, "Release live", Info},
	{ReleaseFailed, "Release failed", Error},
	{ReleaseCancelled, "Release cancelled", Info},
	{AppRunning, "App running again", Info},
	{AppUnhealthy, "App unhealthy", Warning},
	{AppRestarted, "App restarted", Warning},
	{AppOutOfMemory, "App out of memory", Error},
	{AppExited, "App exited", Error},
	{AppDown, "App down", Error},
	{AppStopped, "App stopped", Info},
	{CertificateFailed, "Certificate failed", Error},
	{CertificateExpiring, "Certificate expires soon", Warning},
	{CertificateGood, "Certificate valid", Info},
	{DiskLow, "Disk space low", Warning},
	{DiskFull, "Disk full", Error},
	{DiskEnough, "Disk space back", Info},
	{BackupDone, "Backup done", Info},
	{BackupFailed, "Backup failed", Error},
	{BrokerRefusal, "Engine call refused", Error},
	{SignIn, "Sign-in", Info},
	{SignInFailed, "Sign-in failed", Warning},
	{SignInLocked, "Sign-in locked", Error},
	{Change, "Change", Info},
}

// Kinds returns every kind in the order of a list to choose from.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for at, one := range kinds {
		all[at] = one.kind
	}
	return all
}

// Words is the kind for people.
func (k Kind) Words() string { return k.about().words }

// Level is how bad an event of the kind is.
func (k Kind) Level() Level { return k.about().level }

// Known reports whether there is such a kind.
func (k Kind) Known() bool {
	return slices.ContainsFunc(kinds, func(a about) bool { return a.kind == k })
}

func (k Kind) about() about {
	if at := slices.IndexFunc(kinds, func(a about) bool { return a.kind == k }); at >= 0 {
		return kinds[at]
	}
	return about{k, string(k), Info}
}

// Event is one thing that happened. It never holds a secret.
type Event struct {
	ID      int64 // in the order of the ledger, never used again
	At      time.Time
	Kind    Kind
	App     string // empty: the server
	Release int64  // 0: none
	Account string // of the person or token that did it; may be empty
	Detail  string // one line for people; may be empty
}

const (
	mostDetail  = 500 // bytes; the rest is cut off
	mostAccount = 100
)

// Clean returns the event as the ledger keeps it: short, and in printable characters.
func (e Event) Clean() Event {
	e.Account, e.Detail = cut(e.Account, mostAccount), cut(e.Detail, mostDetail)
	return e
}

func cut(text string, most int) string {
	const mark = "…"
	text = printable.Replace(text, utf8.RuneError)
	if len(text) <= most {
		return text
	}
	end := most - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// Filter says which events to list. A zero field does not filter.
type Filter struct {
	App  string
	Kind Kind
	From time.Time
	To   time.Time // exclusive
}

// Page is a part of a list, the newest event first. At most one of Before and After is
// set. With neither, it begins at the newest event.
type Page struct {
	Before int64 // events older than this one
	After  int64 // the oldest events newer than this one
	Limit  int
}
